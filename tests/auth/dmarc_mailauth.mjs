// DMARC by npm's mailauth, for the tests: jobs as lines of JSON in, answers as lines of JSON out.
import { createRequire } from 'node:module';
import readline from 'node:readline';

const require = createRequire(process.argv[2] + '/');
const { dmarc } = require('mailauth/lib/dmarc');

async function answer({ from, spf, dkim, records, exists }) {
  const resolver = async (name, type) => {
    const found = type === 'TXT' && records[name];
    if (found) return found.map(text => [text]);
    if (type === 'A' && exists.includes(name)) return ['192.0.2.1'];
    throw Object.assign(new Error(name), { code: exists.includes(name) ? 'ENODATA' : 'ENOTFOUND' });
  };
  const domains = name => (name ? [{ domain: name }] : []);
  const found = await dmarc({
    headerFrom: [`user@${from}`], spfDomains: domains(spf), dkimDomains: domains(dkim), resolver,
  });
  return [found.status.result, found.policy ?? null];
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
}
