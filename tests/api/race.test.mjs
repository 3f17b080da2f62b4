// SPDX-License-Identifier: Apache-2.0
// 64 clients at once on one account, one task, one Idempotency-Key: no money made or lost, nothing done
// twice, no answer that is not documented.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Market, gwei, until } from '../support/api.mjs';
import { Actor, newTask } from '../support/actor.mjs';
import { uuidText } from '../support/protocol.mjs';

const CLIENTS = 64;
let market;
let alice;
before(async () => {
  market = await Market.start();
  alice = await market.account('alice', { cys: 100000 });
});
after(() => market?.stop());

const race = (n, what) => Promise.all(Array.from({ length: n }, (_, i) => what(i)));
const count = (replies, status) => replies.filter((r) => r.status === status).length;
const balance = async (client, kind) =>
  (await client.get('/v1/balances')).json.data.filter((b) => b.kind === kind).reduce((sum, b) => sum + BigInt(b.balance_gwei), 0n);
const books = () => {
  assert.equal(market.sql('SELECT count(*) FROM (SELECT transfer_id FROM entries e JOIN ledger_accounts a ON a.id = e.account_id GROUP BY 1, a.asset HAVING sum(amount_gwei) <> 0) x'), '0');
  assert.equal(market.sql('SELECT count(*) FROM ledger_accounts a WHERE balance_gwei <> (SELECT coalesce(sum(amount_gwei), 0) FROM entries e WHERE e.account_id = a.id)'), '0');
};

test('one Idempotency-Key, 64 times: one grant, one text', async () => {
  const idem = randomUUID();
  const before = await balance(alice, 'available');
  const replies = await race(CLIENTS, () => alice.post('/v1/faucet', { amount_gwei: '1000' }, { idem }));
  assert.equal(count(replies, 201), CLIENTS);
  assert.equal(new Set(replies.map((r) => r.text)).size, 1);
  assert.equal(replies.filter((r) => r.headers.get('idempotent-replayed') === 'true').length, CLIENTS - 1);
  assert.equal(await balance(alice, 'available'), before + 1000n);
  books();
});

test('one Idempotency-Key with two bodies: one of them, never both', async () => {
  const idem = randomUUID();
  const before = await balance(alice, 'available');
  const replies = await race(CLIENTS, (i) => alice.post('/v1/faucet', { amount_gwei: i % 2 ? '3' : '5' }, { idem }));
  assert.deepEqual([count(replies, 201), count(replies, 422)], [CLIENTS / 2, CLIENTS / 2]);
  const won = (await balance(alice, 'available')) - before;
  assert.ok(won === 3n || won === 5n);
});

test('one account cannot spend the same coin twice', async () => {
  const spender = await market.account('spender', { cys: 10 });
  const replies = await race(CLIENTS, () => spender.post('/v1/stakes', { amount_gwei: gwei(1) }));
  assert.deepEqual([count(replies, 201), count(replies, 402)], [10, CLIENTS - 10]);
  assert.deepEqual([await balance(spender, 'available'), await balance(spender, 'reserve')], [0n, BigInt(gwei(10))]);
  const back = await race(CLIENTS, () => spender.post('/v1/stakes/unstake', { amount_gwei: gwei(1) }));
  assert.deepEqual([count(back, 201), count(back, 409)], [10, CLIENTS - 10]);
  books();
});

test('64 tasks of an account that can pay for few', async () => {
  const limited = await market.account('limited', { cys: 55 });
  const replies = await race(CLIENTS, () => limited.post('/v1/tasks', newTask()));
  const made = replies.filter((r) => r.status === 201);
  assert.equal(made.length, 5); // 11 CYS each
  assert.equal(count(replies, 402), CLIENTS - 5);
  assert.equal(await balance(limited, 'escrow'), made.reduce((sum, r) => sum + BigInt(r.json.escrow_gwei), 0n));
  books();
});

test('one sign-up key, 64 times: one account', async () => {
  const idem = randomUUID();
  const replies = await race(CLIENTS, () => market.anonymous().post('/v1/accounts', { name: 'twin' }, { idem }));
  assert.equal(count(replies, 201), CLIENTS);
  assert.equal(new Set(replies.map((r) => r.text)).size, 1);
  assert.equal(market.sql("SELECT count(*) FROM entities WHERE name = 'twin'"), '1');
});

test('64 bids on one task: of one bidder they are revisions under one lock', async () => {
  const bidder = await Actor.create(market, 'bidder', { stake: 1000, pledge: 100 });
  const task = (await alice.post('/v1/tasks', newTask({ bidding_ms: 600000, deadline_seconds: 3600 }))).expect(201).json;
  const replies = await race(CLIENTS, (i) => bidder.client.post(`/v1/tasks/${task.id}/bids`, bidder.newBid(task.id, i + 1).body));
  assert.equal(count(replies, 201), CLIENTS);
  assert.deepEqual(replies.map((r) => r.json.revision).sort((a, b) => a - b), Array.from({ length: CLIENTS }, (_, i) => i + 1));
  assert.deepEqual(replies.map((r) => r.json.lock_gwei).sort().slice(-2), ['0', gwei(0.5)]);
  assert.equal(await balance(bidder.client, 'bond'), BigInt(gwei(0.5)));
  books();
});

test('16 bidders and a cancel on one task: every bid is either in or refused', async () => {
  const bidders = await race(16, (i) => Actor.create(market, `racer${i}`, { stake: 100, pledge: 10 }));
  const task = (await alice.post('/v1/tasks', newTask({ bidding_ms: 600000, deadline_seconds: 3600 }))).expect(201).json;
  const [cancel, ...bids] = await Promise.all([
    alice.post(`/v1/tasks/${task.id}/cancel`),
    ...bidders.flatMap((b) => [0, 1, 2, 3].map((i) => b.client.post(`/v1/tasks/${task.id}/bids`, b.newBid(task.id, 5 + i).body))),
  ]);
  assert.ok([202, 409].includes(cancel.status));
  assert.ok(bids.every((r) => [201, 409].includes(r.status)));
  assert.equal(market.sql(`SELECT count(*) FROM bids WHERE task_id = '${uuidText(task.id)}'`), String(count(bids, 201)));
  books();
});

test('64 cancels of one task: one time of asking', async () => {
  const task = (await alice.post('/v1/tasks', newTask({ bidding_ms: 600000, deadline_seconds: 3600 }))).expect(201).json;
  const replies = await race(CLIENTS, () => alice.post(`/v1/tasks/${task.id}/cancel`));
  const told = replies.filter((r) => r.status === 202);
  assert.ok(told.length > 0 && told.length + count(replies, 409) === CLIENTS);
  assert.equal(new Set(told.map((r) => r.json.requested_at)).size, 1);
  assert.equal(market.sql(`SELECT count(*) FROM events WHERE task_id = '${uuidText(task.id)}' AND kind = 'cancel_requested'`), '1');
});

test('64 registrations of one node key: one node', async () => {
  const a = await Actor.create(market, 'sole', { stake: 10, pledge: 1 });
  const replies = await race(CLIENTS, (i) => a.client.post('/v1/nodes', a.registration(`sole ${i}`)));
  assert.equal(count(replies, 201), CLIENTS);
  assert.deepEqual([...new Set(replies.map((r) => r.json.id))], [a.node]);
});

test('64 parked polls wake with one task, and all see it', async () => {
  const last = (await market.anonymous().get('/v1/tasks?limit=1')).json.data[0].id;
  const waiting = race(CLIENTS, () => market.anonymous().get(`/v1/tasks?state=open&after=${last}&wait=25`));
  await new Promise((resolve) => { setTimeout(resolve, 500); });
  const task = (await alice.post('/v1/tasks', newTask())).expect(201).json;
  for (const reply of await waiting) assert.deepEqual(reply.expect(200).json.data.map((t) => t.id), [task.id]);
});

test('clients that hang up while they wait cost nothing', async () => {
  const a = await Actor.create(market, 'leaver', { stake: 10, pledge: 1 });
  await race(CLIENTS, async () => {
    const stop = new AbortController();
    const reply = fetch(`${market.api}/v1/jobs/claim`, {
      method: 'POST', signal: stop.signal, body: JSON.stringify({ node_id: a.node }),
      headers: { authorization: `Bearer ${a.client.key}`, 'content-type': 'application/json', prefer: 'wait=25' },
    }).catch(() => null);
    await new Promise((resolve) => { setTimeout(resolve, 30); });
    stop.abort();
    return reply;
  });
  await race(CLIENTS, async () => {
    const stop = new AbortController();
    const reply = fetch(`${market.api}/v1/balances`, { signal: stop.signal, headers: { authorization: `Bearer ${alice.key}` } }).catch(() => null);
    stop.abort();
    return reply;
  });
  await until(async () => (await alice.get('/v1/balances')).status === 200, 'the server still answers');
});

test('the invariants hold after all this', () => market.invariants());
