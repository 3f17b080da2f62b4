// SPDX-License-Identifier: Apache-2.0
// A provider or verifier played by a test, step by step, through the public API.
import { randomBytes } from 'node:crypto';
import { gwei } from './api.mjs';
import { NodeKey, bidCommitment, newSalt, nodeHash, resultCommitment, sha256, tagged, uuidOf, voteCommitment } from './protocol.mjs';

export const KIND = 'mining.sha256d';
// One hash in 256 meets it.
export const EASY = `00${'f'.repeat(62)}`;
export const newInput = () => ({ header: randomBytes(76).toString('hex'), target: EASY });

// Posts a task that `actor.work` can do.
export function newTask(more = {}) {
  return { kind: KIND, input: newInput(), max_price_gwei: gwei(10), deadline_seconds: 120, ...more };
}

const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64BE(BigInt(n));
  return b;
};

// The nonce that meets the target, for this task and worker.
export function mine(market, task, key) {
  const binding = tagged('computefi/binding/1', [Buffer.from(market), uuidOf(task.id), Buffer.from(task.kind),
    Buffer.from(task.input_hash, 'hex'), key.public, u64(Date.parse(task.deadline_at))]);
  const root = tagged('computefi/pow-root/1', [binding, Buffer.alloc(4)]);
  const header = Buffer.concat([Buffer.from(task.input.header, 'hex').subarray(0, 76), Buffer.alloc(4)]);
  root.copy(header, 36);
  for (let nonce = 0; ; nonce++) {
    header.writeUInt32LE(nonce, 76);
    const hash = Buffer.from(sha256(sha256(header))).reverse().toString('hex');
    if (hash <= task.input.target)
      return Buffer.from(JSON.stringify({ nonce, extra_nonce: 0, hash, header: header.toString('hex') }));
  }
}

export class Actor {
  // An account with stake and one registered, pledged, online node.
  static async create(market, name, { stake = 1000, pledge = 100, ...roles } = {}) {
    const a = new Actor();
    a.market = market;
    a.client = await market.account(name, { cys: 1, stake });
    a.key = new NodeKey();
    a.node = (await a.client.post('/v1/nodes', a.registration(name, roles))).expect(201).json.id;
    (await a.client.post(`/v1/nodes/${a.node}/reserve`, { amount_gwei: gwei(pledge) })).expect(200);
    await a.heartbeat();
    return a;
  }

  registration(name, { provides = true, verifies = false } = {}) {
    return {
      name, node_key: this.key.hex, signature: this.key.sign(nodeHash(this.market.id, this.client.id, this.key)),
      class: 'cpu', kinds: [KIND], provides, verifies, hardware: { cores: 2 },
    };
  }

  async heartbeat() {
    return (await this.client.post(`/v1/nodes/${this.node}/heartbeat`, {}, { idem: null })).expect(200);
  }

  // The body of a bid and what opens it.
  newBid(task, price) {
    const opening = { market: this.market.id, task, account: this.client.id, node: this.node, price, salt: newSalt() };
    const commitment = bidCommitment(opening);
    return {
      body: { node_id: this.node, node_key: this.key.hex, commitment: commitment.toString('hex'), signature: this.key.sign(commitment) },
      open: { task_id: task, node_id: this.node, price_gwei: String(price), salt: opening.salt.toString('hex') },
    };
  }

  async bid(task, price) {
    const bid = this.newBid(task, price);
    const made = (await this.client.post(`/v1/tasks/${task}/bids`, bid.body)).expect(201);
    return { ...bid, id: made.json.id };
  }

  async open(bid) {
    return (await this.client.post(`/v1/bids/${bid.id}/open`, bid.open)).expect(200);
  }

  async claim(what, seconds = 20) {
    return this.client.post(`/v1/${what}/claim`, { node_id: this.node }, { idem: null, headers: { prefer: `wait=${seconds}` } });
  }

  async claimJob() {
    return (await this.claim('jobs')).expect(200).json;
  }

  async claimSeat() {
    return (await this.claim('verifications')).expect(200).json;
  }

  // What a commitment to a result needs, and what reveals it.
  newResult(job, result = mine(this.market.id, job.task, this.key)) {
    const o = { task: job.task_id, slot: job.slot, fence: job.fence, key: this.key, salt: newSalt(), result };
    const commitment = resultCommitment(o);
    return {
      commit: { fence: job.fence, node_key: this.key.hex, commitment: commitment.toString('hex'), signature: this.key.sign(commitment) },
      reveal: { fence: job.fence, task_id: job.task_id, slot: job.slot, node_key: this.key.hex, salt: o.salt.toString('hex'), result: result.toString('base64url') },
    };
  }

  async work(job, result) {
    const r = this.newResult(job, result);
    (await this.client.post(`/v1/jobs/${job.id}/commit`, r.commit)).expect(200);
    const open = await this.claimJob();
    if (open.id !== job.id || !open.reveal_open) throw new Error('the commitment should be open for revealing');
    (await this.client.post(`/v1/jobs/${job.id}/result`, r.reveal)).expect(200);
    return r;
  }

  newVote(seat, vote) {
    const o = { task: seat.task_id, slot: seat.slot, fence: seat.fence, rung: seat.rung, seat: seat.id, vote, key: this.key, salt: newSalt() };
    const commitment = voteCommitment(o);
    return {
      commit: { node_key: this.key.hex, commitment: commitment.toString('hex'), signature: this.key.sign(commitment) },
      reveal: { task_id: seat.task_id, slot: seat.slot, fence: seat.fence, rung: seat.rung, node_key: this.key.hex, vote, salt: o.salt.toString('hex'), reason: 'checked' },
    };
  }
}
