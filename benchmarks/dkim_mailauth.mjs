// The part of benchmarks/dkim.py that mailauth plays: batches as lines of JSON in, microseconds a message out.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(process.argv[2] + '/');
const { dkimVerify } = require('mailauth/lib/dkim/verify.js');
const { dkimSign } = require('mailauth/lib/dkim/sign.js');

for await (const line of readline.createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const messages = job.messages.map(message => Buffer.from(message, 'base64'));
  const before = process.cpuUsage();
  for (const message of messages) {
    if (job.sign) {
      await dkimSign(message, { signatureData: [job.sign] });
    } else {
      const { results } = await dkimVerify(message, { resolver: async () => [[job.record]] });
      if (results[0].status.result !== 'pass') throw new Error(JSON.stringify(results[0].status));
    }
  }
  const used = process.cpuUsage(before);
  process.stdout.write(`${(used.user + used.system) / messages.length}\n`);
}
