// SPDX-License-Identifier: Apache-2.0
// Writes seed inputs for the fuzz targets from tests/vectors: seeds.mjs FOLDER makes FOLDER/<target>/<n>.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: seeds.mjs FOLDER');
const read = (path) => JSON.parse(readFileSync(join('tests/vectors', path), 'utf8'));
const hex = (text) => Buffer.from(text, 'hex');
const counts = {};

function seed(target, ...parts) {
  const number = (counts[target] = (counts[target] ?? 0) + 1);
  mkdirSync(join(folder, target), { recursive: true });
  const bytes = Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : p)));
  writeFileSync(join(folder, target, `seed-${number}`), bytes);
}

for (const c of read('groth16-snarkjs/json-cases.json').cases) seed('fuzz_groth16_json', c.proof_text, '\0', c.public_text);
for (const name of ['raw-mul', 'raw-task']) seed('fuzz_groth16_key', JSON.stringify(read(`groth16-snarkjs/${name}/verification_key.json`)));
for (const name of ['mul', 'task']) {
  const { vk, proof, publicSignals } = read(`plonk-snarkjs/${name}.json`);
  seed('fuzz_plonk', JSON.stringify({ vk, proof, publicSignals }));
}
for (const c of read('groth16-sp1/proofs.json').cases) seed('fuzz_zkvm', Buffer.from([0]), hex(c.program_vkey), hex(c.proof), hex(c.public_values));
for (const c of read('groth16-risc0/receipts.json').cases) seed('fuzz_zkvm', Buffer.from([1]), hex(c.image_id), hex(c.seal), hex(c.journal));
for (const file of ['blocks', 'own']) for (const c of read(`auxpow-dogecoin/${file}.json`).cases) seed('fuzz_auxpow', hex(c.header), hex(c.auxpow));
for (const file of ['pow-bitcoin', 'pow-scrypt']) for (const c of read(`${file}/headers.json`).cases) seed('fuzz_pow', hex(c.header));
seed('fuzz_pow', ...read('pow-bitcoin/chain-0-40.json').headers.map(hex));
for (const c of read('bn254/own.json').cases) if (c.op === 'pairing') seed('fuzz_bn254', hex(c.input));
for (const c of read('ecvrf/vectors.json').cases) seed('fuzz_ecvrf', hex(c.pk), hex(c.pi), hex(c.alpha));

function sizes(a, b) {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(a), 0);
  bytes.writeBigUInt64LE(BigInt(b), 8);
  return bytes;
}
for (const c of read('merkle-rfc6962/inclusion.json').cases) seed('fuzz_merkle', sizes(c.leaf_index, c.tree_size), hex(c.leaf_hash), hex(c.root), ...c.proof.map(hex));
for (const c of read('merkle-rfc6962/consistency.json').cases) seed('fuzz_merkle', sizes(c.size1, c.size2), hex(c.root1), hex(c.root2), ...c.proof.map(hex));

seed('fuzz_note', 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n');
seed('fuzz_note', 'o\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\nextension\n');
seed('fuzz_note', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8');
