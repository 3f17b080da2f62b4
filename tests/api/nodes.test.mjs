// SPDX-License-Identifier: Apache-2.0
// Nodes with their pledges, and blobs.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Market, gwei, until } from '../support/api.mjs';
import { Actor, KIND } from '../support/actor.mjs';
import { NodeKey, nodeHash, sha256 } from '../support/protocol.mjs';

const PART = 1048576;
let market;
let a;
let stranger;
before(async () => {
  market = await Market.start({ workers: ['dispatch', 'sweeper'] });
  a = await Actor.create(market, 'alpha', { stake: 500, pledge: 50 });
  stranger = await market.account('stranger', { cys: 1, stake: 10 });
});
after(() => market?.stop());

const put = (client, blob, index, bytes) => client.call('PUT', `/v1/blobs/${blob}/parts/${index}`, { raw: bytes });

test('a node shows what it registered, its pledge and that it is online', async () => {
  const node = (await market.anonymous().get(`/v1/nodes/${a.node}`)).expect(200).json;
  assert.equal(node.account_id, a.client.id);
  assert.equal(node.node_key, a.key.hex);
  assert.deepEqual(node.kinds, [KIND]);
  assert.deepEqual(node.hardware, { cores: 2 });
  assert.equal(node.pledged_gwei, gwei(50));
  assert.equal(node.online, true);
});

test('registering again: the same answer for the same key, the same node for the same node key', async () => {
  const idem = randomUUID();
  const key = new NodeKey();
  const body = { ...a.registration('beta'), node_key: key.hex, signature: key.sign(nodeHash(market.id, a.client.id, key)) };
  const first = (await a.client.post('/v1/nodes', body, { idem })).expect(201);
  const second = (await a.client.post('/v1/nodes', body, { idem })).expect(201);
  assert.equal(second.text, first.text);
  assert.equal(second.headers.get('idempotent-replayed'), 'true');
  const third = (await a.client.post('/v1/nodes', { ...body, name: 'renamed' })).expect(201);
  assert.equal(third.json.id, first.json.id);
  assert.equal((await a.client.get(`/v1/nodes/${first.json.id}`)).json.name, 'renamed');
});

test('registration is checked', async () => {
  const good = a.registration('gamma');
  const wrong = [
    [{ name: 'x/y' }, '/name'], [{ node_key: 'ab' }, '/node_key'], [{ node_key: 'z'.repeat(64) }, '/node_key'], [{ signature: '00' }, '/signature'],
    [{ class: 'CPU' }, '/class'], [{ kinds: [] }, '/kinds'], [{ kinds: ['no.such'] }, '/kinds/0'], [{ kinds: ['A b'] }, '/kinds'],
    [{ provides: 'yes' }, '/provides'], [{ hardware: [] }, '/hardware'], [{ hardware: { x: 'y'.repeat(9000) } }, '/hardware'],
  ];
  for (const [change, pointer] of wrong) {
    const reply = (await a.client.post('/v1/nodes', { ...good, ...change })).expect(422);
    assert.deepEqual(reply.pointers(), [pointer], JSON.stringify(change).slice(0, 80));
  }
});

test('a signature for another market, account or key does not register', async () => {
  const key = new NodeKey();
  for (const hash of [nodeHash('other', a.client.id, key), nodeHash(market.id, stranger.id, key), nodeHash(market.id, a.client.id, a.key)]) {
    const reply = (await a.client.post('/v1/nodes', { ...a.registration('delta'), node_key: key.hex, signature: key.sign(hash) })).expect(422, 'signature_invalid');
    assert.deepEqual(reply.pointers(), ['/signature']);
  }
});

test("another's node key is a conflict", async () => {
  const body = { ...a.registration('copy'), signature: a.key.sign(nodeHash(market.id, stranger.id, a.key)) };
  (await stranger.post('/v1/nodes', body)).expect(409, 'conflict');
});

test('nodes are listed by account, kind and state', async () => {
  const listed = async (query) => (await market.anonymous().get(`/v1/nodes?limit=100&${query}`)).expect(200).json.data.map((n) => n.id);
  assert.ok((await listed(`account_id=${a.client.id}`)).includes(a.node));
  assert.deepEqual(await listed(`account_id=${stranger.id}`), []);
  assert.ok((await listed(`kind=${KIND}`)).includes(a.node));
  assert.deepEqual(await listed('kind=zk.groth16'), []);
  assert.ok(!(await listed('online=false')).includes(a.node));
  (await market.anonymous().get('/v1/nodes?online=perhaps')).expect(422, 'bad_field');
  (await market.anonymous().get('/v1/nodes?account_id=x')).expect(422, 'bad_field');
});

test('heartbeats carry the drain', async () => {
  (await a.client.post(`/v1/nodes/${a.node}/heartbeat`, { draining: true }, { idem: null })).expect(200);
  assert.equal((await a.client.get(`/v1/nodes/${a.node}`)).json.draining, true);
  await a.heartbeat();
  assert.equal((await a.client.get(`/v1/nodes/${a.node}`)).json.draining, false);
});

test("another's node does not obey me", async () => {
  (await stranger.post(`/v1/nodes/${a.node}/heartbeat`, {}, { idem: null })).expect(403, 'forbidden');
  (await stranger.post(`/v1/nodes/${a.node}/reserve`, { amount_gwei: '1' })).expect(403, 'forbidden');
  (await stranger.post(`/v1/nodes/${a.node}/unreserve`, { amount_gwei: '1' })).expect(403, 'forbidden');
  (await stranger.post(`/v1/nodes/${a.node}/retire`)).expect(403, 'forbidden');
  (await stranger.post('/v1/jobs/claim', { node_id: a.node }, { idem: null })).expect(403, 'forbidden');
  (await stranger.post('/v1/verifications/claim', { node_id: a.node }, { idem: null })).expect(403, 'forbidden');
});

test('pledges stay within the stake, and leave slowly', async () => {
  const idem = randomUUID();
  const url = `/v1/nodes/${a.node}`;
  const first = (await a.client.post(`${url}/reserve`, { amount_gwei: gwei(10) }, { idem })).expect(200);
  assert.equal((await a.client.post(`${url}/reserve`, { amount_gwei: gwei(10) }, { idem })).expect(200).text, first.text);
  assert.equal(first.json.pledged_gwei, gwei(60));
  (await a.client.post(`${url}/reserve`, { amount_gwei: gwei(1000) })).expect(409, 'insufficient_reserve');
  const release = (await a.client.post(`${url}/unreserve`, { amount_gwei: gwei(20) })).expect(200).json;
  assert.equal(release.pledged_gwei, gwei(40));
  assert.equal(release.releasing_gwei, gwei(20));
  const stake = (await a.client.get('/v1/stakes')).json;
  assert.ok(stake.unbondings.some((u) => u.id === release.unbonding_id && u.node_id === a.node));
  (await a.client.post(`${url}/unreserve`, { amount_gwei: gwei(41) })).expect(409, 'insufficient_reserve');
});

test('a retired node is over', async () => {
  const b = await Actor.create(market, 'old', { stake: 100, pledge: 10 });
  const idem = randomUUID();
  const first = (await b.client.post(`/v1/nodes/${b.node}/retire`, {}, { idem })).expect(200);
  assert.equal((await b.client.post(`/v1/nodes/${b.node}/retire`, {}, { idem })).expect(200).text, first.text);
  assert.equal((await b.client.post(`/v1/nodes/${b.node}/retire`)).expect(200).json.retired_at, first.json.retired_at);
  (await b.client.post(`/v1/nodes/${b.node}/heartbeat`, {}, { idem: null })).expect(409, 'node_retired');
  (await b.client.post(`/v1/nodes/${b.node}/reserve`, { amount_gwei: '1' })).expect(409, 'node_retired');
  assert.equal((await b.client.get(`/v1/nodes/${b.node}`)).json.online, false);
});

test('a blob of several parts goes up, is resumed, checked and comes down', async () => {
  const bytes = randomBytes(PART + 1234);
  const body = { digest: sha256(bytes).toString('hex'), size_bytes: bytes.length };
  const idem = randomUUID();
  const made = (await a.client.post('/v1/blobs', body, { idem })).expect(201);
  assert.equal((await a.client.post('/v1/blobs', body, { idem })).expect(201).text, made.text);
  const id = made.json.id;
  assert.equal(made.json.part_count, 2);
  assert.equal((await a.client.post('/v1/blobs', body)).expect(201).json.id, id);
  (await put(a.client, id, 1, bytes.subarray(PART))).expect(200);
  assert.deepEqual((await a.client.get(`/v1/blobs/${id}`)).expect(200).json.parts_received, [1]);
  (await a.client.post(`/v1/blobs/${id}/complete`)).expect(409, 'blob_incomplete');
  (await put(a.client, id, 0, bytes.subarray(0, PART))).expect(200);
  (await put(a.client, id, 0, bytes.subarray(0, PART))).expect(200);
  const complete = (await a.client.post(`/v1/blobs/${id}/complete`)).expect(202);
  assert.equal(complete.headers.get('location'), `/v1/blobs/${id}`);
  await until(async () => (await a.client.get(`/v1/blobs/${id}`)).json.state === 'complete', 'the digest is checked');
  const back = Buffer.concat([(await a.client.get(`/v1/blobs/${id}/parts/0`)).expect(200).text, (await a.client.get(`/v1/blobs/${id}/parts/1`)).expect(200).text]);
  assert.ok(back.equals(bytes));
  (await put(a.client, id, 1, randomBytes(1234))).expect(409, 'conflict');
});

test('wrong bytes make a bad blob, which can be taken up again', async () => {
  const bytes = randomBytes(100);
  const body = { digest: sha256(bytes).toString('hex'), size_bytes: 100 };
  const { id } = (await a.client.post('/v1/blobs', body)).expect(201).json;
  (await put(a.client, id, 0, randomBytes(100))).expect(200);
  (await a.client.post(`/v1/blobs/${id}/complete`)).expect(202);
  await until(async () => (await a.client.get(`/v1/blobs/${id}`)).json.state === 'bad', 'the digest is checked');
  (await put(a.client, id, 0, bytes)).expect(422, 'blob_hash_mismatch');
  assert.equal((await a.client.post('/v1/blobs', body)).expect(201).json.state, 'uploading');
  (await put(a.client, id, 0, bytes)).expect(200);
  (await a.client.post(`/v1/blobs/${id}/complete`)).expect(202);
  await until(async () => (await a.client.get(`/v1/blobs/${id}`)).json.state === 'complete', 'the digest is checked');
});

test('blob requests are checked', async () => {
  const digest = '0'.repeat(64);
  for (const [body, pointer] of [[{ size_bytes: 1 }, '/digest'], [{ digest: 'x', size_bytes: 1 }, '/digest'], [{ digest, size_bytes: 0 }, '/size_bytes'],
    [{ digest, size_bytes: 268435457 }, '/size_bytes'], [{ digest, size_bytes: '1' }, '/size_bytes'], [{ digest, size_bytes: 1.5 }, '/size_bytes']]) {
    const reply = (await a.client.post('/v1/blobs', body)).expect(422, 'bad_field');
    assert.deepEqual(reply.pointers(), [pointer]);
  }
  const { id } = (await a.client.post('/v1/blobs', { digest: sha256(randomBytes(4)).toString('hex'), size_bytes: 4 })).expect(201).json;
  (await put(a.client, id, 0, Buffer.from('abc'))).expect(422, 'bad_field');
  (await put(a.client, id, 0, Buffer.from('abcde'))).expect(422, 'bad_field');
  (await put(a.client, id, 1, Buffer.from('abcd'))).expect(422, 'bad_field');
  (await put(a.client, id, 0, Buffer.alloc(0))).expect(422, 'bad_field');
  (await put(a.client, id, 0, Buffer.alloc(PART + 1))).expect(413, 'too_large');
  for (const index of ['256', '-1', 'x', '00001', '1e1']) (await put(a.client, id, index, Buffer.from('abcd'))).expect(404, 'not_found');
});

test("another's blob is not there", async () => {
  const { id } = (await a.client.post('/v1/blobs', { digest: sha256(randomBytes(4)).toString('hex'), size_bytes: 4 })).expect(201).json;
  (await put(a.client, id, 0, Buffer.from('abcd'))).expect(200);
  (await stranger.get(`/v1/blobs/${id}`)).expect(404);
  (await stranger.get(`/v1/blobs/${id}/parts/0`)).expect(404);
  (await put(stranger, id, 0, Buffer.from('abcd'))).expect(404);
  (await stranger.post(`/v1/blobs/${id}/complete`)).expect(404);
});
