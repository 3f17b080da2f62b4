// SPDX-License-Identifier: Apache-2.0
// A task's life through the API, with the real workers: jobs, votes, results, settlements, and what each
// step refuses. The tests follow one another.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Market, gwei, until } from '../support/api.mjs';
import { Actor, mine, newTask } from '../support/actor.mjs';
import { NodeKey, sha256, typeid, uuidText } from '../support/protocol.mjs';

// Nodes need no heartbeat while a test runs. Windows are wide, so that a busy machine misses none; the test closes
// the bidding itself, and the others end as soon as everybody has acted.
const QUICK = { bidding_ms: 20000, bidding_min_ms: 100, opening_ms: 20000, commit_ms: 20000, reveal_ms: 20000, heartbeat_ms: 600000, lease_ms: 60000,
  mechanical_check: false, challenge_ms: 8000, rung_seats: [3, 7], rung_quorums: [3, 5] };
let market;
let requester;
let operator;
let p;
let q;
let verifiers;
let task; // the one that is paid
let job;
let result;

before(async () => {
  market = await Market.start({ workers: ['auction', 'dispatch', 'committee', 'settle', 'sweeper'] });
  operator = market.operator();
  const { object, id, version, created_at, ...terms } = (await operator.get('/v1/policies?name=development')).json.data[0];
  assert.ok(object && id && version && created_at);
  for (const [name, more] of Object.entries({ quick: QUICK, checked: { ...QUICK, mechanical_check: true, challenge_ms: 0 } }))
    (await operator.post('/v1/policies', { ...terms, ...more, name })).expect(201);
  requester = await market.account('requester', { cys: 10000, stake: 1000 });
  p = await Actor.create(market, 'provider', { stake: 1000, pledge: 100 });
  q = await Actor.create(market, 'second', { stake: 1000, pledge: 100 });
  verifiers = [];
  for (let i = 1; i <= 4; i++) verifiers.push(await Actor.create(market, `verifier${i}`, { provides: false, verifies: true, stake: 1000, pledge: 100 }));
});
after(() => market?.stop());

const post = async (more) => (await requester.post('/v1/tasks', newTask({ policy: 'quick', ...more }))).expect(201).json;
const get = async (t, what = '') => (await requester.get(`/v1/tasks/${t.id}${what}`)).expect(200).json;
const reach = (t, ...states) => until(async () => {
  const now = await get(t);
  return states.includes(now.state) && now;
}, `task ${t.id} is ${states}`, 40000);

// Ends the bidding now.
function close(t) {
  market.sql(`UPDATE tasks SET closes_at = clock_timestamp(), opens_until = clock_timestamp() + opening_ms * interval '1 ms' WHERE id = '${uuidText(t.id)}';
    SELECT work_ask('auction', '${uuidText(t.id)}', clock_timestamp())`);
  return reach(t, 'opening', 'expired');
}

// Bids at these prices, opened in their window.
async function auction(t, ...offers) {
  const bids = [];
  for (const [actor, price] of offers) bids.push([actor, await actor.bid(t.id, price)]);
  await close(t);
  for (const [actor, bid] of bids) await actor.open(bid);
  return bids.map(([, bid]) => bid);
}

// The verifiers that were drawn into the first rung, each with its seat.
async function seated(t) {
  const rung = await until(async () => (await get(t, '/verifications')).data[0], `a committee for ${t.id}`, 40000);
  return Promise.all(rung.seats.map(async (seat) => {
    const v = verifiers.find((x) => x.client.id === seat.account_id);
    const claimed = await v.claimSeat();
    assert.deepEqual([claimed.id, claimed.task_id, claimed.state], [seat.id, t.id, 'seated']);
    return { v, seat: claimed };
  }));
}

// They all vote so; answers the seats.
async function committee(t, vote) {
  const seats = (await seated(t)).map(({ v, seat }) => ({ v, seat, ballot: v.newVote(seat, vote) }));
  for (const s of seats) (await s.v.client.post(`/v1/verifications/${s.seat.id}/commit`, s.ballot.commit)).expect(200);
  for (const s of seats) {
    assert.equal((await s.v.claimSeat()).reveal_open, true);
    (await s.v.client.post(`/v1/verifications/${s.seat.id}/reveal`, s.ballot.reveal)).expect(200);
  }
  return seats;
}

test('the winner is told its job by a long poll', async () => {
  task = await post();
  const waiting = p.claimJob();
  await auction(task, [p, 3e9], [q, 5e9]);
  job = await waiting;
  assert.equal(job.task_id, task.id);
  assert.equal(job.state, 'assigned');
  assert.equal(job.reveal_open, false);
  assert.equal(job.task.input.header, task.input.header);
  assert.equal(job.node_key, p.key.hex);
  assert.deepEqual((await p.claim('jobs', 0)).expect(200).json, job);
  (await p.client.post('/v1/jobs/claim', { node_id: p.node, except: [job.id] }, { idem: null })).expect(204);
  (await q.claim('jobs', 0)).expect(204);
});

test('the auction explains itself', async () => {
  const shown = await get(task, '/auction');
  assert.equal(shown.closed, true);
  const [won, lost] = shown.bids;
  assert.deepEqual([won.verdict, won.account_id, won.price_gwei, won.rank], ['won', p.client.id, '3000000000', 1]);
  assert.equal(won.score_ppm, won.score_reserve_ppm + won.score_price_ppm);
  // floor(w * reserve / cap) + floor((10^6 - w) * (max - price) / max)
  assert.equal(won.score_reserve_ppm, Math.floor(task.rank_weight_ppm * 1000 / 100000));
  assert.equal(won.score_price_ppm, Math.floor((1e6 - task.rank_weight_ppm) * 7 / 10));
  assert.equal(lost.verdict, 'lost');
  assert.ok(lost.reason.length > 5);
  assert.equal(shown.reserve_worth_ppm, Math.floor(1e6 * task.rank_weight_ppm / (1e6 - task.rank_weight_ppm)));
});

test('a job is shown to its provider only', async () => {
  assert.equal((await p.client.get(`/v1/jobs/${job.id}`)).expect(200).json.task.id, task.id);
  (await q.client.get(`/v1/jobs/${job.id}`)).expect(404, 'not_found');
  assert.deepEqual((await p.client.get('/v1/jobs?state=assigned')).json.data.map((j) => j.id), [job.id]);
  assert.deepEqual((await q.client.get('/v1/jobs')).json.data, []);
  const open = await get(task, '/jobs');
  assert.deepEqual(open.data.map((j) => [j.id, j.slot, j.fence, j.account_id, j.task]), [[job.id, 0, 1, p.client.id, undefined]]);
});

test('job heartbeats want the fence and the provider', async () => {
  const url = `/v1/jobs/${job.id}/heartbeat`;
  const beat = (await p.client.post(url, { fence: 1 }, { idem: null })).expect(200).json;
  assert.equal(beat.lease_until, job.lease_until);
  (await p.client.post(url, { fence: 2 }, { idem: null })).expect(409, 'fence_stale');
  (await q.client.post(url, { fence: 1 }, { idem: null })).expect(403, 'forbidden');
  for (const fence of [0, -1, '1', 1.5, null]) (await p.client.post(url, { fence }, { idem: null })).expect(422, 'bad_field');
});

test('a commitment is signed by the job\'s node and final', async () => {
  const url = `/v1/jobs/${job.id}/commit`;
  result = p.newResult(job);
  const stranger = new NodeKey();
  const hash = Buffer.from(result.commit.commitment, 'hex');
  (await p.client.post(`/v1/jobs/${job.id}/result`, result.reveal)).expect(409, 'not_committed');
  (await p.client.post(url, { ...result.commit, signature: '0'.repeat(128) })).expect(422, 'signature_invalid');
  (await p.client.post(url, { ...result.commit, node_key: stranger.hex, signature: stranger.sign(hash) })).expect(422);
  (await p.client.post(url, { ...result.commit, fence: 9 })).expect(409, 'fence_stale');
  (await q.client.post(url, result.commit)).expect(403, 'forbidden');
  const idem = randomUUID();
  const first = (await p.client.post(url, result.commit, { idem })).expect(200);
  assert.equal((await p.client.post(url, result.commit, { idem })).expect(200).text, first.text);
  assert.equal((await p.client.post(url, result.commit)).expect(200).json.committed_at, first.json.committed_at);
  (await p.client.post(url, p.newResult(job).commit)).expect(409, 'already_done');
  (await p.client.post(`/v1/jobs/${job.id}/decline`, { fence: 1, reason: 'late' })).expect(409, 'already_done');
});

test('a reveal must be what was committed, in every part', async () => {
  const url = `/v1/jobs/${job.id}/result`;
  const good = result.reveal;
  for (const change of [{ salt: '0'.repeat(64) }, { slot: 1 }, { task_id: typeid('task') }, { node_key: q.key.hex }, { result: Buffer.from('other').toString('base64url') }])
    (await p.client.post(url, { ...good, ...change })).expect(422, 'commitment_mismatch');
  for (const [change, pointer] of [[{ result: undefined }, '/result'], [{ result: '***' }, '/result'], [{ result: 'A' }, '/result'], [{ result: '' }, '/result'], [{ slot: 16 }, '/slot'],
    [{ blob_id: typeid('blob') }, '/result'], [{ result: undefined, blob_id: typeid('blob') }, '/result_digest'], [{ result_digest: '0'.repeat(64) }, '/result_digest']]) {
    const reply = (await p.client.post(url, { ...good, ...change })).expect(422, 'bad_field');
    assert.deepEqual(reply.pointers(), [pointer]);
  }
  (await q.client.post(url, good)).expect(403, 'forbidden');
  const idem = randomUUID();
  const first = (await p.client.post(url, good, { idem })).expect(200);
  assert.equal((await p.client.post(url, good, { idem })).expect(200).text, first.text);
  assert.equal(first.json.result_digest, sha256(Buffer.from(good.result, 'base64url')).toString('hex'));
});

test('a result is nobody\'s to read before it is accepted', async () => {
  (await requester.get(`/v1/tasks/${task.id}/result`)).expect(409, 'result_not_ready');
  (await q.client.get(`/v1/tasks/${task.id}/result`)).expect(403, 'forbidden');
});

test('drawn verifiers check, vote and reveal; votes are published together', async () => {
  await reach(task, 'verifying');
  const ballots = (await seated(task)).map(({ v, seat }) => ({ v, seat, ballot: v.newVote(seat, true) }));
  assert.ok(ballots.length >= 3);
  const { v, seat, ballot } = ballots[0];
  assert.equal(Buffer.from(seat.result.result, 'base64url').toString(), Buffer.from(result.reveal.result, 'base64url').toString());
  assert.equal(seat.result.node_key, p.key.hex);
  const url = `/v1/verifications/${seat.id}`;
  assert.equal((await v.client.get(url)).expect(200).json.task.id, task.id);
  (await p.client.get(url)).expect(404, 'not_found');
  assert.ok((await v.client.get('/v1/verifications')).json.data.some((s) => s.id === seat.id));
  (await v.client.post(`${url}/reveal`, ballot.reveal)).expect(409, 'not_committed');
  (await v.client.post(`${url}/commit`, { ...ballot.commit, signature: '0'.repeat(128) })).expect(422, 'signature_invalid');
  (await p.client.post(`${url}/commit`, ballot.commit)).expect(403, 'forbidden');
  const idem = randomUUID();
  const first = (await v.client.post(`${url}/commit`, ballot.commit, { idem })).expect(200);
  assert.equal((await v.client.post(`${url}/commit`, ballot.commit, { idem })).expect(200).text, first.text);
  (await v.client.post(`${url}/commit`, v.newVote(seat, false).commit)).expect(409, 'already_done');
  (await v.client.post(`${url}/reveal`, ballot.reveal)).expect(409, 'reveal_early');
  (await v.client.post('/v1/verifications/claim', { node_id: v.node }, { idem: null })).expect(204);
  for (const b of ballots.slice(1)) (await b.v.client.post(`/v1/verifications/${b.seat.id}/commit`, b.ballot.commit)).expect(200);
  for (const change of [{ vote: false }, { salt: '0'.repeat(64) }, { rung: 2 }, { fence: 2 }, { slot: 1 }, { node_key: q.key.hex }, { task_id: typeid('task') }])
    (await v.client.post(`${url}/reveal`, { ...ballot.reveal, ...change })).expect(422, 'commitment_mismatch');
  (await v.client.post(`${url}/reveal`, { ...ballot.reveal, vote: 'yes' })).expect(422, 'bad_field');
  (await v.client.post(`${url}/reveal`, { ...ballot.reveal, reason: 'x'.repeat(201) })).expect(422, 'bad_field');
  const shown = (await v.client.post(`${url}/reveal`, ballot.reveal, { idem })).expect(200);
  assert.equal((await v.client.post(`${url}/reveal`, ballot.reveal, { idem })).expect(200).text, shown.text);
  const hidden = await get(task, '/verifications');
  assert.ok(hidden.data[0].tallied_at !== null || hidden.data[0].seats.every((s) => s.vote === null && s.salt === null && s.vote_reason === null));
  for (const b of ballots.slice(1)) (await b.v.client.post(`/v1/verifications/${b.seat.id}/reveal`, b.ballot.reveal)).expect(200);
  await reach(task, 'accepted', 'paid');
  const [rung] = (await get(task, '/verifications')).data;
  // drawing goes on until three accounts sit, so there may be more than the three seats of the rung
  assert.ok(rung.seat_count >= 3);
  assert.deepEqual([rung.outcome, rung.yes_weight, rung.no_weight], ['accept', rung.seat_count, 0]);
  assert.equal(rung.seats.reduce((sum, s) => sum + s.weight, 0), rung.seat_count);
  assert.ok(rung.seats.every((s) => s.vote === true && s.vote_reason === 'checked'));
  assert.ok(rung.snapshot.every((s) => /^acct_/.test(s.account_id) && s.account_id !== requester.id && s.account_id !== p.client.id));
});

test('the requester, and an operator, get the result once it is accepted', async () => {
  for (const client of [requester, operator]) {
    const { results } = (await client.get(`/v1/tasks/${task.id}/result`)).expect(200).json;
    assert.deepEqual(results.map((r) => [r.job_id, r.slot, r.result]), [[job.id, 0, result.reveal.result]]);
  }
  (await p.client.get(`/v1/tasks/${task.id}/result`)).expect(403, 'forbidden');
});

test('the settlement shows every line and its rule', async () => {
  await reach(task, 'paid');
  const s = await get(task, '/settlement');
  assert.equal(s.outcome, 'paid');
  const sum = (lines) => lines.reduce((total, l) => total + BigInt(l.amount_gwei), 0n);
  assert.equal(sum(s.lines), BigInt(task.escrow_gwei));
  assert.equal(BigInt(s.provider_gwei) + BigInt(s.fee_gwei), 3000000000n);
  assert.equal(s.fee_gwei, '150000000');
  assert.ok(s.lines.every((l) => l.rule.length > 10));
  assert.deepEqual(s.lines.find((l) => l.account_id === p.client.id).amount_gwei, '2850000000');
  const [{ seat_count: seats }] = (await get(task, '/verifications')).data;
  assert.equal(sum(s.lines.filter((l) => l.seat_id)), BigInt(seats) * BigInt(task.seat_fee_gwei));
  for (const who of [requester, p.client, ...verifiers.map((v) => v.client)].slice(0, 2))
    assert.ok((await who.get('/v1/settlements')).expect(200).json.data.some((x) => x.task_id === task.id));
  assert.deepEqual((await q.client.get('/v1/settlements')).json.data, []);
  const final = await get(task);
  assert.deepEqual([final.state, final.code], ['paid', 100]);
  (await requester.post(`/v1/tasks/${task.id}/cancel`)).expect(409, 'task_final');
  (await requester.post(`/v1/tasks/${task.id}/challenges`, { reason: 'late', job_id: job.id })).expect(409, 'task_final');
});

test('events tell the whole life in order, page by page', async () => {
  const all = [];
  for (let url = `/v1/tasks/${task.id}/events?limit=3`; url;) {
    const reply = (await market.anonymous().get(url)).expect(200);
    all.push(...reply.json.data);
    url = reply.headers.get('link')?.match(/<([^>]+)>/)[1];
  }
  const moves = all.filter((e) => e.seq !== null).sort((a, b) => a.seq - b.seq);
  assert.deepEqual(moves.map((e) => e.seq), moves.map((_, i) => i + 1));
  assert.deepEqual([moves[0].kind, moves.at(-1).kind, moves.at(-1).to_state], ['opened', 'paid', 'paid']);
  assert.equal(new Set(all.map((e) => e.id)).size, all.length);
});

test('the index and the statistics know the price', async () => {
  const index = (await market.anonymous().get('/v1/market/index?hours=1')).expect(200).json.kinds;
  const kind = index.find((k) => k.kind === task.kind);
  assert.equal(kind.price_gwei, '3000000000');
  assert.equal(kind.price_per_million_units_gwei, String(3000000000n * 1000000n / 256n));
  assert.equal(kind.history.length, 1);
  assert.equal((await market.anonymous().get('/v1/stats')).json.paid_count, 1);
});

test('declining hands the slot to the next bid, with a new fence', async () => {
  const t = await post();
  await auction(t, [p, 2e9], [q, 4e9]);
  const first = await p.claimJob();
  const url = `/v1/jobs/${first.id}/decline`;
  (await p.client.post(url, { fence: 1 })).expect(422, 'bad_field');
  (await p.client.post(url, { fence: 1, reason: '' })).expect(422, 'bad_field');
  (await q.client.post(url, { fence: 1, reason: 'not mine' })).expect(403, 'forbidden');
  const idem = randomUUID();
  const told = (await p.client.post(url, { fence: 1, reason: 'no disk' }, { idem })).expect(200);
  assert.equal((await p.client.post(url, { fence: 1, reason: 'no disk' }, { idem })).expect(200).text, told.text);
  const next = await q.claimJob();
  assert.deepEqual([next.task_id, next.slot, next.fence, next.price_gwei], [t.id, 0, 2, '4000000000']);
  (await p.client.post(`/v1/jobs/${first.id}/commit`, p.newResult({ ...first, task: next.task }).commit)).expect(409, 'fence_stale');
  await q.work(next);
  await committee(t, true);
  const paid = await reach(t, 'paid');
  assert.equal(paid.code, 100);
  assert.equal((await get(t, '/jobs')).data.find((j) => j.id === first.id).state, 'declined');
});

test('a challenge of an accepted result is bonded and opens the next rung', async () => {
  const t = await post();
  await auction(t, [p, 2e9]);
  await p.work(await p.claimJob());
  await committee(t, true);
  await reach(t, 'accepted');
  const url = `/v1/tasks/${t.id}/challenges`;
  (await requester.post(url, {})).expect(422, 'bad_field');
  (await requester.post(url, { reason: 'x', job_id: typeid('job') })).expect(404, 'not_found');
  (await p.client.post(url, { reason: 'mine' })).expect(403, 'not_allowed');
  const idem = randomUUID();
  const first = (await requester.post(url, { reason: 'the hash looks wrong' }, { idem })).expect(201);
  assert.equal((await requester.post(url, { reason: 'the hash looks wrong' }, { idem })).expect(201).text, first.text);
  assert.equal(BigInt(first.json.bond_gwei), 100n * BigInt(t.seat_fee_gwei));
  assert.ok((await get(t, '/events?limit=100')).data.some((e) => e.kind === 'challenged' && e.to_state === 'verifying'));
  (await requester.post(url, { reason: 'again' })).expect(409);
});

test('the mechanical check refuses a wrong result before any committee', async () => {
  const t = await post({ policy: 'checked' });
  await auction(t, [p, 2e9], [q, 4e9]);
  const first = await p.claimJob();
  await p.work(first, Buffer.from(JSON.stringify({ nonce: 1, extra_nonce: 0, hash: '0'.repeat(64), header: '0'.repeat(160) })));
  const next = await q.claimJob();
  assert.equal(next.fence, 2);
  assert.deepEqual((await get(t, '/verifications')).data, []);
  await q.work(next);
  await committee(t, true);
  await reach(t, 'paid');
  const jobs = (await get(t, '/jobs')).data;
  assert.deepEqual(jobs.map((j) => [j.fence, j.state, j.check_verdict]), [[1, 'wrong', 'reject'], [2, 'paid', 'accept']]);
  assert.ok(jobs[0].check_reason.length > 5);
});

test('a large result goes by blob: verifiers and the requester may fetch it, others not', async () => {
  const t = await post();
  await auction(t, [p, 2e9]);
  const j = await p.claimJob();
  const bytes = Buffer.concat([mine(market.id, j.task, p.key), Buffer.from(' '.repeat(70000))]);
  const { id } = (await p.client.post('/v1/blobs', { digest: sha256(bytes).toString('hex'), size_bytes: bytes.length })).expect(201).json;
  (await p.client.call('PUT', `/v1/blobs/${id}/parts/0`, { raw: bytes })).expect(200);
  const r = p.newResult(j, bytes);
  (await p.client.post(`/v1/jobs/${j.id}/commit`, r.commit)).expect(200);
  const { result: inline, ...rest } = r.reveal;
  assert.ok(inline.length > 65536);
  const reveal = { ...rest, blob_id: id, result_digest: sha256(bytes).toString('hex') };
  (await p.client.post(`/v1/jobs/${j.id}/result`, reveal)).expect(409, 'blob_incomplete');
  (await p.client.post(`/v1/blobs/${id}/complete`)).expect(202);
  await until(async () => (await p.client.get(`/v1/blobs/${id}`)).json.state === 'complete', 'the digest is checked');
  (await p.client.post(`/v1/jobs/${j.id}/result`, reveal)).expect(200);
  (await requester.get(`/v1/blobs/${id}`)).expect(404, 'not_found');
  const seats = await committee(t, true);
  assert.equal(seats[0].seat.result.blob_id, id);
  assert.equal(seats[0].seat.result.result, null);
  assert.ok((await seats[0].v.client.get(`/v1/blobs/${id}/parts/0`)).expect(200).text.equals(bytes));
  await reach(t, 'accepted', 'paid');
  assert.ok((await requester.get(`/v1/blobs/${id}/parts/0`)).expect(200).text.equals(bytes));
  (await q.client.get(`/v1/blobs/${id}/parts/0`)).expect(404, 'not_found');
});

test('with two slots nothing is revealed before both committed', async () => {
  const t = await post({ replicas: 2 });
  await auction(t, [p, 2e9], [q, 3e9]);
  const [mineJob, other] = [await p.claimJob(), await q.claimJob()];
  assert.deepEqual([mineJob.slot, other.slot].sort(), [0, 1]);
  const r = p.newResult(mineJob);
  (await p.client.post(`/v1/jobs/${mineJob.id}/commit`, r.commit)).expect(200);
  (await p.client.post(`/v1/jobs/${mineJob.id}/result`, r.reveal)).expect(409, 'reveal_early');
  (await p.claim('jobs', 0)).expect(204);
  const waiting = p.claimJob();
  const s = q.newResult(other);
  (await q.client.post(`/v1/jobs/${other.id}/commit`, s.commit)).expect(200);
  const open = await waiting;
  assert.deepEqual([open.id, open.reveal_open], [mineJob.id, true]);
  (await p.client.post(`/v1/jobs/${mineJob.id}/result`, r.reveal)).expect(200);
  (await q.client.post(`/v1/jobs/${other.id}/result`, s.reveal)).expect(200);
});

test('when nobody bids the funnel says where they were lost', async () => {
  const t = await post({ class: 'gpu' });
  close(t);
  await reach(t, 'expired');
  const { funnel, bids } = await get(t, '/auction');
  assert.deepEqual(bids, []);
  assert.deepEqual(funnel, { eligible: 2, online: 2, capable: 0, pledged: 0, bid: 0 });
  assert.deepEqual([(await get(t)).code, (await get(t, '/settlement')).outcome], [40, 'expired']);
});

test('a cancelled task gives its escrow back', async () => {
  const t = await post({ bidding_ms: 60000, deadline_seconds: 600 });
  (await requester.post(`/v1/tasks/${t.id}/cancel`)).expect(202);
  await reach(t, 'cancelled');
  const s = await get(t, '/settlement');
  assert.equal(s.refund_gwei, t.escrow_gwei);
  assert.ok(!(await requester.get('/v1/balances')).json.data.some((b) => b.task_id === t.id));
});

test('an input blob is there for whoever may bid', async () => {
  const bytes = randomBytes(2000);
  const { id } = (await requester.post('/v1/blobs', { digest: sha256(bytes).toString('hex'), size_bytes: bytes.length })).expect(201).json;
  (await requester.call('PUT', `/v1/blobs/${id}/parts/0`, { raw: bytes })).expect(200);
  (await requester.post('/v1/tasks', newTask({ policy: 'quick', input_blob_id: id }))).expect(409, 'blob_incomplete');
  (await requester.post(`/v1/blobs/${id}/complete`)).expect(202);
  await until(async () => (await requester.get(`/v1/blobs/${id}`)).json.state === 'complete', 'the digest is checked');
  (await q.client.get(`/v1/blobs/${id}`)).expect(404);
  assert.equal((await post({ input_blob_id: id })).input_blob_id, id);
  assert.ok((await q.client.get(`/v1/blobs/${id}/parts/0`)).expect(200).text.equals(bytes));
});

test('the invariants hold after all this', () => market.invariants());
