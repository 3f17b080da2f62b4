// SPDX-License-Identifier: Apache-2.0
// The naive side of crypto_bench: snarkjs verifying one Groth16 proof again and again in a warm process. Reads a number
// of proofs on each line of standard input and answers with the microseconds they took.
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';

const home = ['tests/bench', 'tests', 'deploy/tools'].find((d) => existsSync(`${d}/node_modules/snarkjs`));
if (!home) process.exit(3);
const snarkjs = createRequire(resolve(home, 'x.js'))('snarkjs');
const read = (name) => JSON.parse(readFileSync(`tests/vectors/groth16-snarkjs/raw-task/${name}.json`, 'utf8'));
const [key, proof, inputs] = ['verification_key', 'proof', 'public'].map(read);

for await (const line of createInterface({ input: process.stdin })) {
  const began = process.hrtime.bigint();
  for (let i = 0; i < Number(line); i++) {
    if (!(await snarkjs.groth16.verify(key, inputs, proof))) process.exit(4);
  }
  process.stdout.write(`${(process.hrtime.bigint() - began) / 1000n}\n`);
}
process.exit(0);
