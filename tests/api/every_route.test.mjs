// SPDX-License-Identifier: Apache-2.0
// What every route refuses in the same way: no key, a wrong key, a key without the scope, bodies that are
// no JSON, unknown members, a missing Idempotency-Key, ids that are none and ids of nothing.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Market, source } from '../support/api.mjs';
import { typeid } from '../support/protocol.mjs';

const ROW = /^R\("([A-Z]+)",\s*"([^"]+)",\s*(\w+),\s*AUTH_(\w+),\s*(NULL|"[^"]+"),\s*BODY_(\w+),\s*(\d+),\s*(true|false)\)/gm;
const routes = [...fs.readFileSync(path.join(source, 'api/routes.def'), 'utf8').matchAll(ROW)].map((m) => ({
  method: m[1], path: m[2], operation: m[3], auth: m[4], scope: m[5] === 'NULL' ? null : m[5].slice(1, -1), body: m[6], max: Number(m[7]), idem: m[8] === 'true',
}));
const PREFIX = { account_id: 'acct', key_id: 'key', node_id: 'node', blob_id: 'blob', policy_id: 'pol', task_id: 'task', bid_id: 'bid', job_id: 'job', seat_id: 'seat' };
const target = (route, id = (name) => typeid(PREFIX[name])) =>
  route.path.replace(/\{(\w+)\}/g, (_, name) => (name === 'part_index' ? '0' : id(name)));
const request = (route, more = {}) => ({ ...(route.body === 'JSON' ? { body: {} } : route.body === 'BYTES' ? { raw: Buffer.from('x') } : {}), ...more });

let market;
let alice;
before(async () => {
  market = await Market.start();
  alice = await market.account('alice', { cys: 10 });
});
after(() => market?.stop());

test('the table is read whole', () => assert.equal(routes.length, 59));

for (const route of routes) {
  const name = route.operation;
  if (route.auth === 'KEY') {
    test(`${name} wants a key`, async () => {
      const reply = await market.anonymous().call(route.method, target(route), request(route));
      reply.expect(401, 'unauthenticated');
      assert.match(reply.headers.get('www-authenticate'), /^Bearer/);
    });
    test(`${name} wants a key that exists`, async () => {
      const wrong = `${alice.key.slice(0, -4)}${alice.key.endsWith('AAAA') ? 'BBBA' : 'AAAA'}`;
      for (const key of ['nonsense', 'cfk_', wrong, `cfk_${typeid('key').slice(4)}_${'A'.repeat(43)}`])
        (await alice.with(key).call(route.method, target(route), request(route))).expect(401, 'unauthenticated');
    });
  }
  if (route.auth === 'KEY' && route.scope) {
    test(`${name} wants the scope ${route.scope}`, async () => {
      const other = route.scope === 'read' ? 'keys' : 'read';
      const made = (await alice.post('/v1/keys', { name: `no ${route.scope}`, scopes: [other] })).expect(201);
      (await alice.with(made.json.secret).call(route.method, target(route), request(route))).expect(403, 'forbidden');
      (await alice.call('DELETE', `/v1/keys/${made.json.id}`)).expect(200);
    });
  }
  if (route.body === 'JSON' && route.scope !== 'operator') {
    const client = () => (route.auth === 'NONE' ? market.anonymous() : alice);
    test(`${name} wants JSON`, async () => {
      const headers = { 'content-type': 'application/json' };
      for (const raw of ['{', '[1,', '{"a":1,"a":2}', '"', '{"a":1e999}', '\u0000', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`])
        (await client().call('POST', target(route), { raw, headers })).expect(400, 'bad_json');
      (await client().call('POST', target(route), { raw: '{}', headers: { 'content-type': 'text/plain' } })).expect(415, 'unsupported_media_type');
      (await client().call('POST', target(route), { raw: `"${'x'.repeat(route.max)}"`, headers })).expect(413, 'too_large');
    });
    test(`${name} wants an object and no unknown member`, async () => {
      (await client().call('POST', target(route), { body: [] })).expect(422, 'bad_field');
      const reply = (await client().post(target(route), { nonsense: 1 })).expect(422, 'bad_field');
      assert.ok(name === 'create_policy' || reply.pointers().includes('/nonsense'), reply.text);
    });
    if (route.idem) {
      test(`${name} wants an Idempotency-Key`, async () => {
        (await client().call('POST', target(route), { body: {}, idem: null })).expect(400, 'idempotency_key_missing');
        (await client().call('POST', target(route), { body: {}, idem: 'x'.repeat(256) })).expect(400);
      });
    }
  }
  if (route.path.includes('{') && route.scope !== 'operator') {
    test(`${name} knows no such id`, async () => {
      const client = route.auth === 'NONE' ? market.anonymous() : alice;
      const malformed = request(route);
      for (const id of ['x', 'task_', 'task_zzzzzzzzzzzzzzzzzzzzzzzzzz', `nothing_${'0'.repeat(26)}`, '%7e'])
        (await client.call(route.method, target(route, () => id), malformed)).expect(404, 'not_found');
      if (route.body === 'NONE') (await client.call(route.method, target(route), malformed)).expect(404, 'not_found');
    });
  }
  test(`${name} has one method for this`, async () => {
    const others = routes.filter((r) => r.path === route.path).map((r) => r.method);
    const wrong = ['PUT', 'DELETE', 'POST'].find((m) => !others.includes(m));
    const reply = await fetch(market.api + target(route), { method: wrong });
    assert.equal(reply.status, 405);
    for (const method of others) assert.ok(reply.headers.get('allow').includes(method), reply.headers.get('allow'));
    assert.equal((await reply.json()).code, 'method_not_allowed');
  });
}

test('lists refuse bad limits and cursors', async () => {
  for (const route of routes.filter((r) => r.operation.startsWith('list_') && !['list_units', 'list_workloads', 'list_task_jobs', 'list_task_verifications'].includes(r.operation))) {
    for (const limit of ['0', '101', '-1', 'x', '', '1e2', '99999999999999999999'])
      (await alice.get(`${target(route)}?limit=${limit}`)).expect(422, 'bad_field');
    for (const cursor of ['', 'x', 'A'.repeat(54), '%00', '~'.repeat(60), 'A'.repeat(300)])
      assert.ok([400, 422].includes((await alice.get(`${target(route)}?cursor=${cursor}`)).status), `${route.operation} ${cursor}`);
  }
});

test('an unknown path is a problem document too', async () => {
  const reply = await fetch(`${market.api}/v1/nothing`);
  assert.equal(reply.status, 404);
  assert.match(reply.headers.get('content-type'), /problem\+json/);
});
