// SPDX-License-Identifier: Apache-2.0
// What nodes hash and sign, written a second time from the documents, so that tests do not trust the C.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';

export function uuidOf(typeid) {
  let n = 0n;
  for (const c of typeid.slice(typeid.lastIndexOf('_') + 1)) n = n * 32n + BigInt(BASE32.indexOf(c));
  return Buffer.from(n.toString(16).padStart(32, '0'), 'hex');
}

export function uuidText(typeid) {
  const h = uuidOf(typeid).toString('hex');
  return [h.slice(0, 8), h.slice(8, 12), h.slice(12, 16), h.slice(16, 20), h.slice(20)].join('-');
}

export function typeid(prefix, bytes = randomBytes(16)) {
  let n = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let i = 0; i < 26; i++, n /= 32n) text = BASE32[Number(n % 32n)] + text;
  return `${prefix}_${text}`;
}

const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64BE(BigInt(n));
  return b;
};

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

export function tagged(tag, parts) {
  const h = createHash('sha256').update(Buffer.from([tag.length])).update(tag);
  for (const part of parts) h.update(u64(part.length)).update(part);
  return h.digest();
}

export class NodeKey {
  constructor() {
    const { privateKey } = generateKeyPairSync('ed25519');
    this.private = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    this.public = createPublicKey(this.private).export({ format: 'der', type: 'spki' }).subarray(-32);
    this.hex = this.public.toString('hex');
  }

  sign(hash) {
    return sign(null, hash, this.private).toString('hex');
  }
}

export const newSalt = () => randomBytes(32);

export const nodeHash = (market, account, key) => tagged('computefi/node/1', [Buffer.from(market), uuidOf(account), key.public]);

export const bidCommitment = ({ market, task, account, node, price, salt }) =>
  tagged('computefi/bid/1', [Buffer.from(market), uuidOf(task), uuidOf(account), uuidOf(node), u64(price), salt]);

export const resultCommitment = ({ task, slot, fence, key, salt, result }) =>
  tagged('computefi/result/1', [uuidOf(task), u64(slot), u64(fence), key.public, salt, sha256(result)]);

export const voteCommitment = ({ task, slot, fence, rung, seat, vote, key, salt }) =>
  tagged('computefi/vote/1', [uuidOf(task), u64(slot), u64(fence), u64(rung), uuidOf(seat), u64(vote ? 1 : 0), key.public, salt]);
