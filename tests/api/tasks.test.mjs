// SPDX-License-Identifier: Apache-2.0
// Tasks and bids up to the close: nobody decides yet, so no worker runs. What others may see, and when.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Market, gwei, until } from '../support/api.mjs';
import { Actor, EASY, KIND, newInput, newTask } from '../support/actor.mjs';
import { NodeKey, bidCommitment, newSalt, typeid, uuidText } from '../support/protocol.mjs';

const LONG = { bidding_ms: 600000, deadline_seconds: 3600 };
let market;
let alice;
let p;
let q;
before(async () => {
  market = await Market.start();
  alice = await market.account('alice', { cys: 10000 });
  p = await Actor.create(market, 'provider', { stake: 1000, pledge: 100 });
  q = await Actor.create(market, 'other', { stake: 1000, pledge: 100 });
});
after(() => market?.stop());

const post = async (more) => (await alice.post('/v1/tasks', newTask({ ...LONG, ...more }))).expect(201).json;

test('a task takes its escrow and is what was asked for', async () => {
  const before = BigInt((await alice.get('/v1/balances')).json.data.find((b) => b.kind === 'available').balance_gwei);
  const idem = randomUUID();
  const body = newTask({ ...LONG, label: 'my task', replicas: 2, rounds_max: 3, rank_weight_ppm: 250000, deny: [q.client.id] });
  const made = (await alice.post('/v1/tasks', body, { idem })).expect(201);
  const again = (await alice.post('/v1/tasks', body, { idem })).expect(201);
  assert.equal(again.text, made.text);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  const task = made.json;
  assert.equal(made.headers.get('location'), `/v1/tasks/${task.id}`);
  assert.equal(BigInt(task.escrow_gwei), 2n * BigInt(gwei(10)) + 2n * 5n * BigInt(task.seat_fee_gwei));
  const balances = (await alice.get('/v1/balances')).json.data;
  assert.equal(balances.find((b) => b.task_id === task.id).balance_gwei, task.escrow_gwei);
  assert.equal(BigInt(balances.find((b) => b.kind === 'available').balance_gwei), before - BigInt(task.escrow_gwei));
  const { object, ...shown } = (await market.anonymous().get(`/v1/tasks/${task.id}`)).expect(200).json;
  for (const [key, value] of Object.entries(shown)) assert.deepEqual(task[key], value, key);
  assert.equal(object, 'task');
});

test('the same key with another task is refused', async () => {
  const idem = randomUUID();
  (await alice.post('/v1/tasks', newTask(LONG), { idem })).expect(201);
  (await alice.post('/v1/tasks', newTask(LONG), { idem })).expect(422, 'idempotency_mismatch');
});

test('terms are checked, each with its pointer', async () => {
  const wrong = [
    [{ kind: 'no.such' }, '/kind', 'unknown_kind'], [{ kind: '' }, '/kind'], [{ kind: undefined }, '/kind'], [{ input: undefined }, '/input'], [{ input: [] }, '/input'],
    [{ input: {} }, '/input/header'], [{ input: { header: 'xyz', target: EASY } }, '/input/header'], [{ input: { ...newInput(), target: '0'.repeat(64) } }, '/input/target'],
    [{ input: { ...newInput(), more: 1 } }, '/input'],
    [{ max_price_gwei: '0' }, '/max_price_gwei'], [{ max_price_gwei: 5 }, '/max_price_gwei'], [{ max_price_gwei: '1000000000000000001' }, '/max_price_gwei'],
    [{ label: 'x'.repeat(81) }, '/label'], [{ replicas: 0 }, '/replicas'], [{ replicas: 17 }, '/replicas'], [{ replicas: '2' }, '/replicas'],
    [{ rank_weight_ppm: 500001 }, '/rank_weight_ppm'], [{ sealing: 'open' }, '/sealing'], [{ sealing: 'operator' }, '/sealing'],
    [{ bidding_ms: 100 }, '/bidding_ms'], [{ bidding_ms: 86400001 }, '/bidding_ms'], [{ lease_ms: 1 }, '/lease_ms'],
    [{ deadline_seconds: 0 }, '/deadline_seconds'], [{ deadline_seconds: 5 }, '/deadline_seconds'], [{ deadline_seconds: 2592001 }, '/deadline_seconds'],
    [{ rounds_max: 6 }, '/rounds_max'], [{ allow: [] }, '/allow'], [{ allow: ['x'] }, '/allow'], [{ deny: [typeid('node')] }, '/deny'],
    [{ seat_fee_gwei: '0' }, '/seat_fee_gwei'], [{ class: 'A B' }, '/class'], [{ input_blob_id: 'x' }, '/input_blob_id'],
  ];
  for (const [change, pointer, code] of wrong) {
    const reply = (await alice.post('/v1/tasks', newTask({ ...LONG, ...change }))).expect(422, code ?? 'bad_field');
    assert.deepEqual(reply.pointers(), [pointer], `${JSON.stringify(change)} ${reply.text}`);
  }
  (await alice.post('/v1/tasks', newTask({ ...LONG, policy: 'no-such' }))).expect(422, 'unknown_policy');
  (await alice.post('/v1/tasks', newTask({ ...LONG, input_blob_id: typeid('blob') }))).expect(409, 'blob_incomplete');
});

test('several faults are told at once', async () => {
  const reply = (await alice.post('/v1/tasks', { kind: 1, input: 2, max_price_gwei: 3, extra: 4 })).expect(422, 'bad_field');
  assert.deepEqual(reply.pointers().sort(), ['/extra', '/input', '/kind', '/max_price_gwei']);
});

test('a task needs its money', async () => {
  const poor = await market.account('poor', { cys: 1 });
  (await poor.post('/v1/tasks', newTask(LONG))).expect(402, 'insufficient_funds');
});

test('ETag and If-None-Match', async () => {
  const task = await post();
  const first = (await alice.get(`/v1/tasks/${task.id}`)).expect(200);
  assert.equal(first.headers.get('etag'), '"1"');
  (await alice.get(`/v1/tasks/${task.id}`, { headers: { 'if-none-match': '"1"' } })).expect(304);
  (await alice.get(`/v1/tasks/${task.id}`, { headers: { 'if-none-match': '"0"' } })).expect(200);
});

test('a wait for a version ends with the change', async () => {
  const task = await post();
  const began = Date.now();
  const waiting = alice.get(`/v1/tasks/${task.id}?version=1&wait=20`);
  await new Promise((resolve) => { setTimeout(resolve, 300); });
  market.sql(`SELECT task_move('${uuidText(task.id)}', 'opening', 'closed', clock_timestamp())`);
  (await alice.post('/v1/faucet', { amount_gwei: '1' })).expect(201);
  // a change made beside the API wakes through Redis in a whole market; here the cancel does
  (await alice.post(`/v1/tasks/${task.id}/cancel`)).expect(202);
  const seen = (await waiting).expect(200).json;
  assert.equal(seen.state, 'opening');
  assert.ok(Date.now() - began < 15000);
});

test('a wait that sees nothing answers at its deadline with what there is', async () => {
  const task = await post();
  const began = Date.now();
  const seen = (await alice.get(`/v1/tasks/${task.id}?version=1`, { headers: { prefer: 'wait=1' } })).expect(200).json;
  assert.equal(seen.version, 1);
  assert.ok(Date.now() - began >= 900);
  (await alice.get(`/v1/tasks/${task.id}?version=x`)).expect(422, 'bad_field');
});

test('cancelling is asked for by the requester only', async () => {
  const task = await post();
  (await p.client.post(`/v1/tasks/${task.id}/cancel`)).expect(403, 'forbidden');
  const idem = randomUUID();
  const first = (await alice.post(`/v1/tasks/${task.id}/cancel`, {}, { idem })).expect(202);
  assert.equal(first.headers.get('location'), `/v1/tasks/${task.id}`);
  assert.equal((await alice.post(`/v1/tasks/${task.id}/cancel`, {}, { idem })).expect(202).text, first.text);
  assert.equal((await alice.get(`/v1/tasks/${task.id}`)).json.cancel_requested_at, first.json.requested_at);
});

test('tasks are listed by state, kind and requester, page by page', async () => {
  const carol = await market.account('carol', { cys: 1000 });
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await carol.post('/v1/tasks', newTask(LONG))).expect(201).json.id);
  const url = `/v1/tasks?requester_id=${carol.id}&state=open&kind=${KIND}&limit=2`;
  const seen = [];
  for (let next = url; next;) {
    const reply = (await market.anonymous().get(next)).expect(200);
    seen.push(...reply.json.data.map((t) => t.id));
    assert.ok(reply.json.data.every((t) => t.input === undefined));
    next = reply.headers.get('link')?.match(/<([^>]+)>/)[1];
  }
  assert.deepEqual(seen, ids.toReversed ? ids.toReversed() : [...ids].reverse());
  assert.deepEqual((await market.anonymous().get(`/v1/tasks?requester_id=${carol.id}&state=paid`)).json.data, []);
  assert.deepEqual((await market.anonymous().get(`/v1/tasks?requester_id=${carol.id}&kind=zk.groth16`)).json.data, []);
  (await market.anonymous().get('/v1/tasks?state=nonsense')).expect(422, 'bad_field');
  (await market.anonymous().get('/v1/tasks?state=pen')).expect(422, 'bad_field');
});

test('bidders hear of a new task at once', async () => {
  const last = (await market.anonymous().get('/v1/tasks?limit=1')).json.data[0].id;
  (await market.anonymous().get(`/v1/tasks?state=open&after=${last}`)).expect(204);
  (await market.anonymous().get(`/v1/tasks?after=${last}`)).expect(422, 'bad_field');
  const waiting = market.anonymous().get(`/v1/tasks?state=open&after=${last}&wait=20`);
  await new Promise((resolve) => { setTimeout(resolve, 300); });
  const began = Date.now();
  const task = await post();
  assert.deepEqual((await waiting).expect(200).json.data.map((t) => t.id), [task.id]);
  assert.ok(Date.now() - began < 5000);
});

test('a bid locks its share of the reserve, once for all revisions', async () => {
  const task = await post();
  const bonds = async () => BigInt((await p.client.get('/v1/stakes')).json.bond_gwei);
  const before = await bonds();
  const idem = randomUUID();
  const { body } = p.newBid(task.id, 5);
  const first = (await p.client.post(`/v1/tasks/${task.id}/bids`, body, { idem })).expect(201);
  assert.equal((await p.client.post(`/v1/tasks/${task.id}/bids`, body, { idem })).expect(201).text, first.text);
  assert.equal(first.headers.get('location'), `/v1/bids/${first.json.id}`);
  assert.equal(first.json.lock_gwei, gwei(0.5));
  assert.equal(first.json.reserve_gwei, gwei(1000));
  const second = await p.bid(task.id, 4);
  const shown = (await p.client.get(`/v1/bids/${second.id}`)).expect(200).json;
  assert.equal(shown.revision, 2);
  assert.equal(shown.price_gwei, null);
  assert.equal(await bonds(), before + BigInt(gwei(0.5)));
});

test('sealed bids are invisible to others before the close', async () => {
  const task = await post();
  const bid = await p.bid(task.id, 7);
  for (const client of [alice, q.client, market.anonymous()]) {
    const auction = (await client.get(`/v1/tasks/${task.id}/auction`)).expect(200).json;
    assert.equal(auction.closed, false);
    assert.deepEqual(auction.bids, []);
    assert.equal(auction.funnel, null);
  }
  (await q.client.get(`/v1/bids/${bid.id}`)).expect(404, 'not_found');
  assert.deepEqual((await q.client.get(`/v1/bids?task_id=${task.id}`)).json.data, []);
  assert.deepEqual((await p.client.get(`/v1/bids?task_id=${task.id}`)).json.data.map((b) => b.id), [bid.id]);
  const events = (await market.anonymous().get(`/v1/tasks/${task.id}/events`)).expect(200).json.data;
  assert.deepEqual(events.map((e) => e.kind), ['opened']);
  assert.ok(!JSON.stringify(events).includes(p.client.id));
});

test('opened prices stay hidden until the opening window is over', async () => {
  const task = await post();
  const bid = await p.bid(task.id, 7);
  const sealed = await q.bid(task.id, 8);
  (await p.client.post(`/v1/bids/${bid.id}/open`, bid.open)).expect(409, 'window_not_open');
  const id = uuidText(task.id);
  market.sql(`UPDATE tasks SET closes_at = clock_timestamp(), opens_until = clock_timestamp() + interval '1 hour' WHERE id = '${id}';
    SELECT task_move('${id}', 'opening', 'closed', clock_timestamp())`);
  const idem = randomUUID();
  const first = (await p.client.post(`/v1/bids/${bid.id}/open`, bid.open, { idem })).expect(200);
  assert.equal((await p.client.post(`/v1/bids/${bid.id}/open`, bid.open, { idem })).expect(200).text, first.text);
  assert.equal((await p.client.post(`/v1/bids/${bid.id}/open`, bid.open)).expect(200).json.opened_at, first.json.opened_at);
  const hidden = (await q.client.get(`/v1/tasks/${task.id}/auction`)).json;
  assert.deepEqual(hidden.bids.map((b) => [b.id, b.price_gwei, b.opened_at]).sort(), [[bid.id, null, null], [sealed.id, null, null]].sort());
  assert.equal((await p.client.get(`/v1/bids/${bid.id}`)).json.price_gwei, '7');
  // every part of an opening must be that of the bid
  for (const change of [{ price_gwei: '9' }, { salt: '0'.repeat(64) }, { task_id: typeid('task') }, { node_id: p.node }])
    (await q.client.post(`/v1/bids/${sealed.id}/open`, { ...sealed.open, ...change })).expect(422, 'commitment_mismatch');
  (await p.client.post(`/v1/bids/${sealed.id}/open`, sealed.open)).expect(404, 'not_found');
  (await p.client.post(`/v1/tasks/${task.id}/bids`, p.newBid(task.id, 3).body)).expect(409, 'window_closed');
  market.sql(`UPDATE tasks SET opens_until = clock_timestamp() WHERE id = '${id}'`);
  (await q.client.post(`/v1/bids/${sealed.id}/open`, sealed.open)).expect(409, 'window_closed');
});

test('a bid that binds another task cannot be opened for this one', async () => {
  const [task, elsewhere] = [await post(), await post()];
  const stray = p.newBid(elsewhere.id, 5);
  const { id } = (await p.client.post(`/v1/tasks/${task.id}/bids`, stray.body)).expect(201).json;
  const uuid = uuidText(task.id);
  market.sql(`UPDATE tasks SET closes_at = clock_timestamp(), opens_until = clock_timestamp() + interval '1 hour' WHERE id = '${uuid}';
    SELECT task_move('${uuid}', 'opening', 'closed', clock_timestamp())`);
  (await p.client.post(`/v1/bids/${id}/open`, stray.open)).expect(422, 'commitment_mismatch');
  (await p.client.post(`/v1/bids/${id}/open`, { ...stray.open, task_id: task.id })).expect(422, 'commitment_mismatch');
});

test('bids are checked', async () => {
  const task = await post();
  const url = `/v1/tasks/${task.id}/bids`;
  const good = p.newBid(task.id, 5).body;
  const stranger = new NodeKey();
  for (const [change, pointer] of [[{ node_id: 'x' }, '/node_id'], [{ node_key: 'x' }, '/node_key'], [{ commitment: 'x' }, '/commitment'],
    [{ signature: 'x' }, '/signature'], [{ price_gwei: '5' }, '/salt'], [{ salt: '0'.repeat(64) }, '/salt']]) {
    const reply = (await p.client.post(url, { ...good, ...change })).expect(422, 'bad_field');
    assert.deepEqual(reply.pointers(), [pointer]);
  }
  const commitment = Buffer.from(good.commitment, 'hex');
  (await p.client.post(url, { ...good, signature: '0'.repeat(128) })).expect(422, 'signature_invalid');
  (await p.client.post(url, { ...good, signature: stranger.sign(commitment) })).expect(422, 'signature_invalid');
  // a valid signature by a key that is not the node's
  (await p.client.post(url, { ...good, node_key: stranger.hex, signature: stranger.sign(commitment) })).expect(422, 'signature_invalid');
  // an opening where bids are sealed
  const salt = newSalt();
  const opened = bidCommitment({ market: market.id, task: task.id, account: p.client.id, node: p.node, price: 5, salt });
  (await p.client.post(url, { ...good, commitment: opened.toString('hex'), signature: p.key.sign(opened), price_gwei: '5', salt: salt.toString('hex') })).expect(422, 'bad_field');
});

test('who may not bid', async () => {
  const mine = (await p.client.post('/v1/faucet', { amount_gwei: gwei(100) })) && (await p.client.post('/v1/tasks', newTask(LONG))).expect(201).json;
  (await p.client.post(`/v1/tasks/${mine.id}/bids`, p.newBid(mine.id, 5).body)).expect(409, 'own_task');
  const denied = await post({ deny: [p.client.id] });
  (await p.client.post(`/v1/tasks/${denied.id}/bids`, p.newBid(denied.id, 5).body)).expect(403, 'not_allowed');
  const invited = await post({ allow: [q.client.id] });
  (await p.client.post(`/v1/tasks/${invited.id}/bids`, p.newBid(invited.id, 5).body)).expect(403, 'not_allowed');
  (await q.client.post(`/v1/tasks/${invited.id}/bids`, q.newBid(invited.id, 5).body)).expect(201);
  const task = await post();
  (await q.client.post(`/v1/tasks/${task.id}/bids`, p.newBid(task.id, 5).body)).expect(404, 'not_found');
  const gpu = await post({ class: 'gpu' });
  (await p.client.post(`/v1/tasks/${gpu.id}/bids`, p.newBid(gpu.id, 5).body)).expect(409, 'node_incapable');
  const idle = await Actor.create(market, 'idle', { stake: 10, pledge: 0.5 });
  (await idle.client.post(`/v1/tasks/${task.id}/bids`, idle.newBid(task.id, 5).body)).expect(409, 'node_unpledged');
  const dear = await post({ max_price_gwei: gwei(1000) });
  const small = await Actor.create(market, 'small', { stake: 10, pledge: 5 });
  (await small.client.post(`/v1/tasks/${dear.id}/bids`, small.newBid(dear.id, 5).body)).expect(409, 'insufficient_reserve');
});

test('operator sealing takes the opening along, and still hides it', async () => {
  const task = await post({ policy: 'development-fast' });
  assert.equal(task.sealing, 'operator');
  const bid = p.newBid(task.id, 6);
  const url = `/v1/tasks/${task.id}/bids`;
  const body = { ...bid.body, price_gwei: bid.open.price_gwei, salt: bid.open.salt };
  (await p.client.post(url, bid.body)).expect(422, 'bad_field');
  const lie = (await p.client.post(url, { ...body, price_gwei: '7' })).expect(422, 'commitment_mismatch');
  assert.deepEqual(lie.pointers(), ['/commitment']);
  const dear = p.newBid(task.id, 11e9);
  (await p.client.post(url, { ...dear.body, price_gwei: dear.open.price_gwei, salt: dear.open.salt })).expect(422, 'price_too_high');
  assert.equal((await p.client.post(url, body)).expect(201).json.price_gwei, '6');
  assert.deepEqual((await alice.get(`/v1/tasks/${task.id}/auction`)).json.bids, []);
});

test('nothing is settled, judged or released while a task is open', async () => {
  const task = await post();
  (await alice.get(`/v1/tasks/${task.id}/settlement`)).expect(404, 'not_found');
  (await alice.get(`/v1/tasks/${task.id}/result`)).expect(409, 'result_not_ready');
  (await p.client.get(`/v1/tasks/${task.id}/result`)).expect(403, 'forbidden');
  assert.deepEqual((await alice.get(`/v1/tasks/${task.id}/jobs`)).expect(200).json.data, []);
  assert.deepEqual((await alice.get(`/v1/tasks/${task.id}/verifications`)).expect(200).json.data, []);
  (await p.client.post(`/v1/tasks/${task.id}/challenges`, { reason: 'no' })).expect(404, 'not_found');
});

test('an empty claim waits no longer than asked, and not at all without asking', async () => {
  const began = Date.now();
  (await p.claim('jobs', 1)).expect(204);
  assert.ok(Date.now() - began >= 900);
  (await p.client.post('/v1/jobs/claim', { node_id: p.node }, { idem: null })).expect(204);
  (await p.client.post('/v1/verifications/claim', { node_id: p.node, except: [typeid('seat')] }, { idem: null })).expect(204);
  (await p.client.post('/v1/jobs/claim', { node_id: p.node, except: [typeid('seat')] }, { idem: null })).expect(422, 'bad_field');
  (await p.client.post('/v1/jobs/claim', { node_id: typeid('node') }, { idem: null })).expect(404, 'not_found');
  (await p.client.post('/v1/jobs/claim', {}, { idem: null })).expect(422, 'bad_field');
});

test('policies are made by operators and bind by name', async () => {
  const operator = market.operator();
  const { data } = (await alice.get('/v1/policies?name=development')).expect(200).json;
  const { object, id, version, created_at, ...terms } = data[0];
  assert.ok(object && id && version && created_at);
  (await alice.post('/v1/policies', { ...terms, name: 'mine' })).expect(403, 'forbidden');
  const idem = randomUUID();
  const body = { ...terms, name: 'brisk', bidding_ms: 700 };
  const made = (await operator.post('/v1/policies', body, { idem })).expect(201);
  assert.equal((await operator.post('/v1/policies', body, { idem })).expect(201).text, made.text);
  assert.equal((await operator.post('/v1/policies', body)).expect(201).json.version, 2);
  const shown = (await alice.get(`/v1/policies/${made.json.id}`)).expect(200).json;
  assert.equal(shown.bidding_ms, 700);
  const task = (await alice.post('/v1/tasks', newTask({ policy: 'brisk' }))).expect(201).json;
  assert.equal(task.bidding_ms, 700);
  const wrong = [[{ bidding_ms: 1 }, '/bidding_ms'], [{ bidding_ms: '700' }, '/bidding_ms'], [{ fee_ppm: -1 }, '/fee_ppm'], [{ name: 'A' }, '/name'], [{ name: undefined }, '/name'],
    [{ reserve_cap_gwei: 5 }, '/reserve_cap_gwei'], [{ reserve_cap_gwei: '0' }, '/reserve_cap_gwei'], [{ preset: 'x' }, '/preset'], [{ sealing: 'x' }, '/sealing'],
    [{ rung_seats: [] }, '/rung_seats'], [{ rung_quorums: [1] }, '/rung_seats'], [{ committee: 1 }, '/committee'], [{ extra: 1 }, '/extra'], [{ lease_ms: undefined }, '/lease_ms']];
  for (const [change, pointer] of wrong) {
    const reply = (await operator.post('/v1/policies', { ...terms, name: 'x', ...change })).expect(422, 'bad_field');
    assert.deepEqual(reply.pointers(), [pointer], reply.text);
  }
});

test('kinds, units and statistics are public', async () => {
  const kinds = (await market.anonymous().get('/v1/workloads')).expect(200).json.data;
  assert.ok(kinds.some((k) => k.kind === KIND && k.unit === 'hashes'));
  const units = (await market.anonymous().get('/v1/units')).expect(200).json.data;
  assert.ok(kinds.every((k) => units.some((u) => u.kind === k.kind && u.source.length > 10)));
  const stats = (await market.anonymous().get('/v1/stats')).expect(200).json;
  assert.equal(stats.market_id, market.id);
  assert.ok(Math.abs(Date.parse(stats.time) - Date.now()) < 10000);
  assert.ok(stats.open_count > 0);
  (await market.anonymous().get('/v1/market/index?hours=0')).expect(422, 'bad_field');
  assert.deepEqual((await market.anonymous().get('/v1/market/index')).expect(200).json.kinds, []);
});

test('a server that was stopped while clients wait answers them', async () => {
  const waiting = p.claim('jobs', 20);
  await new Promise((resolve) => { setTimeout(resolve, 300); });
  await market.server.stop();
  assert.ok([204, 503].includes((await waiting).status));
  await market.startServer();
  for (const client of [alice, p.client, q.client]) client.api = market.api;
  await until(async () => (await alice.get('/v1/balances')).status === 200, 'the server is back');
});
