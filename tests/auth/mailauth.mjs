// DKIM by npm's mailauth, for the tests: jobs as lines of JSON in, answers as lines of JSON out.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(process.argv[2] + '/');
const { dkimVerify } = require('mailauth/lib/dkim/verify.js');
const { dkimSign } = require('mailauth/lib/dkim/sign.js');

async function answer(job) {
  const message = Buffer.from(job.message, 'base64');
  if (job.sign) {
    const { signatures } = await dkimSign(message, { headerList: job.headers, signatureData: [job.sign] });
    return signatures;
  }
  const { results } = await dkimVerify(message, { resolver: async name => [[job.records[name]]] });
  return results.map(found => found.status.result);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
}
