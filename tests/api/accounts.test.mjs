// SPDX-License-Identifier: Apache-2.0
// Accounts, keys, balances, transfers, faucet and stake.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Market, gwei, until } from '../support/api.mjs';
import { typeid } from '../support/protocol.mjs';

let market;
let alice;
let bob;
before(async () => {
  market = await Market.start();
  alice = await market.account('alice', { cys: 100 });
  bob = await market.account('bob', { cys: 100 });
});
after(() => market?.stop());

const balance = async (client, kind) =>
  (await client.get('/v1/balances')).expect(200).json.data.filter((b) => b.kind === kind).reduce((sum, b) => sum + BigInt(b.balance_gwei), 0n);

// The same request again: the same bytes, and it says so.
async function again(client, url, body, status) {
  const idem = randomUUID();
  const first = (await client.post(url, body, { idem })).expect(status);
  const second = (await client.post(url, body, { idem })).expect(status);
  assert.equal(second.text, first.text);
  assert.equal(first.headers.get('idempotent-replayed'), null);
  assert.equal(second.headers.get('idempotent-replayed'), 'true');
  assert.equal(second.headers.get('location'), first.headers.get('location'));
  return { first, idem };
}

test('sign-up answers the account and a key that works', async () => {
  const made = (await market.anonymous().post('/v1/accounts', { name: 'carol' })).expect(201);
  assert.equal(made.headers.get('location'), `/v1/accounts/${made.json.id}`);
  assert.match(made.json.key.secret, /^cfk_[0-9a-z]{26}_[A-Za-z0-9_-]{43}$/);
  assert.ok(!made.json.key.scopes.includes('operator'));
  const me = (await alice.with(made.json.key.secret).get('/v1/accounts/me')).expect(200).json;
  assert.equal(me.id, made.json.id);
  assert.equal(me.key_id, made.json.key.id);
  assert.deepEqual(me.scopes, made.json.key.scopes);
});

test('sign-up again shows the same secret', async () => {
  await again(market.anonymous(), '/v1/accounts', { name: 'dave' }, 201);
});

test('sign-up with the key of another body is refused', async () => {
  const idem = randomUUID();
  (await market.anonymous().post('/v1/accounts', { name: 'erin' }, { idem })).expect(201);
  (await market.anonymous().post('/v1/accounts', { name: 'mallory' }, { idem })).expect(422, 'idempotency_mismatch');
});

test('sign-up wants a key that cannot be guessed', async () => {
  const reply = (await market.anonymous().post('/v1/accounts', { name: 'frank' }, { idem: 'short' })).expect(422, 'bad_field');
  assert.deepEqual(reply.pointers(), ['#header/Idempotency-Key']);
});

test('names are checked', async () => {
  for (const name of ['', ' x', '-x', 'x'.repeat(64), 'a/b', 'ü', 'a\nb', 7, null, true, {}, []]) {
    const reply = (await market.anonymous().post('/v1/accounts', { name })).expect(422, 'bad_field');
    assert.deepEqual(reply.pointers(), ['/name']);
  }
});

test('the public profile shows no key', async () => {
  const shown = (await market.anonymous().get(`/v1/accounts/${alice.id}`)).expect(200).json;
  assert.equal(shown.name, 'alice');
  assert.equal(shown.scopes, undefined);
  (await market.anonymous().get(`/v1/accounts/${typeid('acct', Buffer.alloc(16))}`)).expect(404);
});

test('a key carries only its scopes and those of its maker', async () => {
  const { first } = await again(alice, '/v1/keys', { name: 'ci', scopes: ['read', 'keys'] }, 201);
  const ci = alice.with(first.json.secret);
  (await ci.get('/v1/balances')).expect(200);
  (await ci.post('/v1/faucet', { amount_gwei: '1' })).expect(403, 'forbidden');
  (await ci.post('/v1/keys', { name: 'more', scopes: ['money'] })).expect(403, 'forbidden');
  (await ci.post('/v1/keys', { name: 'less', scopes: ['read'] })).expect(201);
  (await alice.post('/v1/keys', { name: 'op', scopes: ['operator'] })).expect(403, 'forbidden');
});

test('key requests are checked', async () => {
  const wrong = [
    [{ scopes: ['read'] }, '/name'], [{ name: '', scopes: ['read'] }, '/name'], [{ name: 'x'.repeat(65), scopes: ['read'] }, '/name'],
    [{ name: 'x' }, '/scopes'], [{ name: 'x', scopes: [] }, '/scopes'], [{ name: 'x', scopes: ['root'] }, '/scopes'],
    [{ name: 'x', scopes: 'read' }, '/scopes'], [{ name: 'x', scopes: [1] }, '/scopes'],
    [{ name: 'x', scopes: ['read'], expires_at: '2001-01-01T00:00:00Z' }, '/expires_at'],
    [{ name: 'x', scopes: ['read'], expires_at: 'soon' }, '/expires_at'],
  ];
  for (const [body, pointer] of wrong) {
    const reply = (await alice.post('/v1/keys', body)).expect(422, 'bad_field');
    assert.deepEqual(reply.pointers(), [pointer], JSON.stringify(body));
  }
});

test('a key expires', async () => {
  const at = new Date(Date.now() + 1500).toISOString();
  const made = (await alice.post('/v1/keys', { name: 'brief', scopes: ['read'], expires_at: at })).expect(201).json;
  assert.ok(Math.abs(Date.parse(made.expires_at) - Date.parse(at)) < 500);
  (await alice.with(made.secret).get('/v1/balances')).expect(200);
  await until(async () => (await alice.with(made.secret).get('/v1/balances')).json?.code === 'key_revoked', 'the key expires', 8000);
});

test('a revoked key ends: writes at once, reads within five seconds', async () => {
  const made = (await alice.post('/v1/keys', { name: 'gone', scopes: ['read', 'money'] })).expect(201).json;
  const gone = alice.with(made.secret);
  (await gone.get('/v1/balances')).expect(200);
  const revoked = (await alice.call('DELETE', `/v1/keys/${made.id}`)).expect(200).json;
  (await gone.post('/v1/faucet', { amount_gwei: '1' })).expect(401, 'key_revoked');
  assert.equal((await alice.call('DELETE', `/v1/keys/${made.id}`)).expect(200).json.revoked_at, revoked.revoked_at);
  await until(async () => (await gone.get('/v1/balances')).status === 401, 'reads end', 6000);
  const listed = (await alice.get('/v1/keys?limit=100')).json.data.find((k) => k.id === made.id);
  assert.equal(listed.revoked_at, revoked.revoked_at);
});

test("another's key is not mine to revoke", async () => {
  const made = (await bob.post('/v1/keys', { name: 'mine', scopes: ['read'] })).expect(201).json;
  (await alice.call('DELETE', `/v1/keys/${made.id}`)).expect(404, 'not_found');
  assert.ok(!(await alice.get('/v1/keys?limit=100')).json.data.some((k) => k.id === made.id));
});

test('the faucet pays once per key', async () => {
  const before = await balance(alice, 'available');
  await again(alice, '/v1/faucet', { amount_gwei: '5' }, 201);
  assert.equal(await balance(alice, 'available'), before + 5n);
});

test('amounts are strings of digits in bounds', async () => {
  for (const url of ['/v1/faucet', '/v1/stakes', '/v1/stakes/unstake']) {
    for (const amount of ['0', '-1', '1.5', '01', '', ' 1', '1e9', '0x10', '9'.repeat(19), '9'.repeat(40), 5, 1.5, null, true, ['1']]) {
      const reply = (await alice.post(url, { amount_gwei: amount })).expect(422, 'bad_field');
      assert.deepEqual(reply.pointers(), ['/amount_gwei'], `${url} ${amount}`);
    }
  }
  (await alice.post('/v1/faucet', { amount_gwei: gwei(2e6) })).expect(422, 'amount_range');
});

test('stake moves available into reserve, one to one', async () => {
  const available = await balance(bob, 'available');
  const { first } = await again(bob, '/v1/stakes', { amount_gwei: gwei(40) }, 201);
  assert.equal(first.json.reserve_gwei, gwei(40));
  assert.equal(await balance(bob, 'available'), available - BigInt(gwei(40)));
  const lines = (await bob.get('/v1/transfers?limit=2')).json.data;
  assert.deepEqual(lines.map((l) => [l.kind, l.account, l.asset, l.amount_gwei]).sort(),
    [['stake', 'available', 'CYS', `-${gwei(40)}`], ['stake', 'reserve', 'CGT', gwei(40)]]);
  (await bob.post('/v1/stakes', { amount_gwei: gwei(1e6) })).expect(402, 'insufficient_funds');
});

test('unstaking takes its time and shows when it ends', async () => {
  const { first } = await again(bob, '/v1/stakes/unstake', { amount_gwei: gwei(10) }, 201);
  assert.ok(Date.parse(first.json.due_at) > Date.parse(first.json.at));
  const stake = (await bob.get('/v1/stakes')).expect(200).json;
  assert.equal(stake.reserve_gwei, gwei(30));
  assert.equal(stake.unbonding_gwei, gwei(10));
  assert.deepEqual(stake.unbondings.map((u) => [u.id, u.amount_gwei, u.node_id]), [[first.json.id, gwei(10), null]]);
  (await bob.post('/v1/stakes/unstake', { amount_gwei: gwei(31) })).expect(409, 'insufficient_reserve');
});

test('transfers page without gaps or repeats', async () => {
  const carol = await market.account('pager', { cys: 10 });
  for (let i = 1; i <= 7; i++) (await carol.post('/v1/stakes', { amount_gwei: String(i) })).expect(201);
  const seen = [];
  let url = '/v1/transfers?limit=4';
  for (let page = 0; url; page++) {
    assert.ok(page < 10);
    const reply = (await carol.get(url)).expect(200);
    assert.ok(reply.json.data.length <= 4);
    seen.push(...reply.json.data.map((l) => `${l.id} ${l.line}`));
    const link = reply.headers.get('link');
    assert.equal(link !== null, reply.json.has_more);
    url = link && link.match(/^<([^>]+)>; rel="next"$/)[1];
    assert.equal(url === null, reply.json.next_cursor === null);
  }
  assert.equal(seen.length, 1 + 7 * 2);
  assert.equal(new Set(seen).size, seen.length);
});

test("a cursor of one list does not open another, nor a changed one", async () => {
  const cursor = (await alice.get('/v1/keys?limit=1')).json.next_cursor;
  (await alice.get(`/v1/keys?limit=1&cursor=${cursor}`)).expect(200);
  (await alice.get(`/v1/transfers?cursor=${cursor}`)).expect(400, 'bad_cursor');
  const flipped = (cursor[0] === 'A' ? 'B' : 'A') + cursor.slice(1);
  (await alice.get(`/v1/keys?cursor=${flipped}`)).expect(400, 'bad_cursor');
});

test('another account sees nothing of mine', async () => {
  const stranger = await market.account('stranger');
  assert.deepEqual((await stranger.get('/v1/balances')).json.data, []);
  assert.deepEqual((await stranger.get('/v1/transfers')).json.data, []);
  assert.equal((await stranger.get('/v1/stakes')).json.reserve_gwei, '0');
});

test('the same key serves two operations and two accounts', async () => {
  const idem = randomUUID();
  (await alice.post('/v1/faucet', { amount_gwei: '3' }, { idem })).expect(201);
  (await alice.post('/v1/stakes', { amount_gwei: '3' }, { idem })).expect(201);
  const other = (await bob.post('/v1/faucet', { amount_gwei: '3' }, { idem })).expect(201);
  assert.equal(other.headers.get('idempotent-replayed'), null);
});

test('a refusal is not remembered', async () => {
  const poor = await market.account('poor');
  const idem = randomUUID();
  (await poor.post('/v1/stakes', { amount_gwei: '7' }, { idem })).expect(402);
  (await poor.post('/v1/faucet', { amount_gwei: '7' })).expect(201);
  (await poor.post('/v1/stakes', { amount_gwei: '7' }, { idem })).expect(201);
});

test('production has no faucet', async () => {
  const production = await Market.start({ set: { 'market.mode': 'production' } }).catch((error) => error);
  if (production instanceof Error) {
    // a server that refuses this PostgreSQL outside development says so
    assert.match(production.message, /15\.20/);
    return;
  }
  try {
    const who = await production.account('who');
    (await who.post('/v1/faucet', { amount_gwei: '1' })).expect(403, 'faucet_disabled');
  } finally {
    await production.stop();
  }
});
