// SPDX-License-Identifier: Apache-2.0
// What a hostile peer writes to the socket: framing, sizes, slowness. Each case names what
// libmicrohttpd 0.9.75 alone would do wrong.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Raw, get, post, startServer, talk } from './socket_support.mjs';

let server;
let port;
before(async () => { server = await startServer({ loops: 2 }); port = server.port; });
after(async () => {
  const end = await server.stop();
  assert.equal(end.signal, null);
  assert.equal(end.code, 0); // every request that was begun has ended
});

const SMUGGLED = 'GET /hello?smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

async function handled() {
  const raw = new Raw(port);
  const reply = await raw.send(get('/stats')).reply();
  raw.destroy();
  return JSON.parse(reply.body).handled;
}

// The attack gets one refusal, the connection closes, and what was smuggled never reaches a handler.
async function refused(bytes, status) {
  const before_ = await handled();
  const { statuses, closed, text } = await talk(port, bytes);
  assert.equal(closed, true, `left open: ${text}`);
  assert.ok(statuses.length >= 1, 'no reply at all');
  assert.ok(statuses.every((s) => (Array.isArray(status) ? status.includes(s) : s === status)), `${statuses}`);
  assert.equal(await handled(), before_ + 1); // the look itself
}

const framing = {
  'TE and CL': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  'two Content-Lengths': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`, 400],
  'the same Content-Length twice': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
  'a blank before the colon of TE': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  'TE xchunked': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  'TE gzip, chunked': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  'TE with a vertical tab': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  'TE chunked alone': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`, 411],
  'folded TE': [`POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  'folded CL': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 5\r\n\r\n12345${SMUGGLED}`, 400],
  'CL 2^64-1': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n${SMUGGLED}`, 400],
  'CL 2^64': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n${SMUGGLED}`, [400, 413]],
  'CL +5': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n12345${SMUGGLED}`, 400],
  'CL 5, 5': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\n12345${SMUGGLED}`, 400],
  'CL -1': [`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n${SMUGGLED}`, 400],
  '%00 in the path': [`GET /hello%00/../../x HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  '%2e%2e in the path': [`GET /x/%2e%2e/hello HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  '%2f in the path': [`GET /x%2fhello HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  'a backslash': [`GET /x\\hello HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  'dot segments': [`GET /x/../hello HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  'a NUL in the target': [`GET /hello\0/x HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  'absolute form': [`GET http://y/hello HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  'two Hosts': [`GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n${SMUGGLED}`, 400],
  'no Host': ['GET /hello HTTP/1.1\r\n\r\n', 400],
  'a junk method': [`G\x01T /hello HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`, 400],
  'HTTP/1.0': ['GET /hello HTTP/1.0\r\nHost: x\r\n\r\n', 400],
  'Expect: 200-ok': [`POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n{}${SMUGGLED}`, 400],
  'a control byte in a value': [`GET /hello HTTP/1.1\r\nHost: x\r\nX-A: a\x01b\r\n\r\n${SMUGGLED}`, 400],
  'a header name with a parenthesis': [`GET /hello HTTP/1.1\r\nHost: x\r\nX(A): a\r\n\r\n${SMUGGLED}`, 400],
  'two Authorizations': [`GET /mine HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nAuthorization: Bearer bad\r\n\r\n${SMUGGLED}`, 400],
  '65 headers': [`GET /hello HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(65)}\r\n${SMUGGLED}`, 400],
  '3,000 headers': [`GET /hello HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(3000)}\r\n${SMUGGLED}`, [400, 431]],
  'a header of 40 kB': [`GET /hello HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(40000)}\r\n\r\n`, [400, 413, 431]],
  'a target of 40 kB': [`GET /${'b'.repeat(40000)} HTTP/1.1\r\nHost: x\r\n\r\n`, [400, 414]],
  'a target of 3 kB': [`GET /${'b'.repeat(3000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
};
for (const [name, [bytes, status]] of Object.entries(framing)) {
  test(`refuses ${name}`, () => refused(bytes, status));
}

test('a NUL in a header value cuts it and so fails authentication', async () => {
  const { statuses } = await talk(port, 'GET /mine HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer go\0od\r\n\r\n');
  assert.deepEqual(statuses, [401]);
});

test('an unknown method is 405 with Allow, on a connection that lives', async () => {
  const raw = new Raw(port);
  const reply = await raw.send('BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n').reply();
  assert.equal(reply.status, 405);
  assert.equal(reply.headers.allow, 'GET, HEAD, OPTIONS');
  assert.equal((await raw.send(get('/hello')).reply()).status, 200);
  raw.destroy();
});

test('2,000 pipelined GETs are answered in order', async () => {
  const raw = new Raw(port);
  raw.send(get('/hello').repeat(2000));
  await raw.until(() => (raw.text.match(/\r\n\r\nhello/g) || []).length === 2000, 20000);
  raw.destroy();
});

test('pipelined requests that wait for another thread are answered in order', async () => {
  const raw = new Raw(port);
  raw.send((get('/slow') + get('/hello')).repeat(50));
  await raw.until(() => (raw.text.match(/\r\n\r\n(slow|hello)/g) || []).length === 100, 20000);
  const bodies = [...raw.text.matchAll(/\r\n\r\n(slow|hello)/g)].map((m) => m[1]);
  assert.deepEqual(bodies, Array.from({ length: 100 }, (_, i) => (i % 2 ? 'hello' : 'slow')));
  raw.destroy();
});

test('a pipeline behind a refused body stays in step', async () => {
  const raw = new Raw(port);
  raw.send(post('/nowhere', SMUGGLED) + post('/mine', SMUGGLED) + post('/echo', 'text', '', 'text/plain') + get('/hello'));
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await raw.reply()).status);
  assert.deepEqual(statuses, [404, 401, 415, 200]);
  raw.destroy();
});

for (const [name, first, drip] of [
  ['a slow request line', '', 'G'],
  ['slow headers', 'GET /hello HTTP/1.1\r\nHost: x\r\n', 'A'],
  ['a slow body', 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n', ' '],
]) {
  test(`${name} ends at the absolute deadline`, async () => {
    const raw = new Raw(port);
    const began = Date.now();
    raw.send(first);
    const timer = setInterval(() => raw.send(drip), 200);
    await raw.until(() => raw.closed, 8000);
    clearInterval(timer);
    const took = Date.now() - began;
    assert.ok(took >= 1500 && took < 5500, `${took} ms`); // the deadline is 2 s
    raw.destroy();
  });
}

test('a slow second request on a kept connection ends as well', async () => {
  const raw = new Raw(port);
  assert.equal((await raw.send(get('/hello')).reply()).status, 200);
  const began = Date.now();
  const timer = setInterval(() => raw.send('G'), 200);
  await raw.until(() => raw.closed, 8000);
  clearInterval(timer);
  assert.ok(Date.now() - began < 5500);
  raw.destroy();
});

test('a connection that says nothing ends', async () => {
  const raw = new Raw(port);
  await raw.until(() => raw.closed, 6000);
  raw.destroy();
});

const json = (text) => post('/echo', text);
const bodies = {
  'depth 17': ['['.repeat(17) + ']'.repeat(17), 400],
  'depth 30,000': ['['.repeat(30000), 400],
  '5,000 elements': [`[${'1,'.repeat(4999)}1]`, 400],
  'a duplicate key': ['{"amount":1,"amount":999}', 400],
  'a duplicate key in disguise': ['{"amount":1,"\\u0061mount":999}', 400],
  'an integer beyond 64 bit': ['{"a":9223372036854775808}', 400],
  'a number of 10,000 digits': [`{"a":${'9'.repeat(10000)}}`, 400],
  '1e999': ['{"a":1e999}', 400],
  'NaN': ['{"a":NaN}', 400],
  'an escaped NUL': ['{"a":"\\u0000"}', 400],
  'a NUL byte': ['{"a":"\0"}', 400],
  'broken UTF-8': ['{"a":"\xff"}', 400],
  'trailing bytes': ['{} {}', 400],
  'an empty body': ['', 400],
  'one byte too many': [' '.repeat(65535) + '{}', 413],
};
for (const [name, [text, status]] of Object.entries(bodies)) {
  test(`JSON with ${name} is ${status} and a problem document`, async () => {
    const raw = new Raw(port);
    const bytes = Buffer.from(text, 'latin1');
    raw.send(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    raw.send(bytes);
    const reply = await raw.reply();
    assert.equal(reply.status, status);
    assert.equal(reply.headers['content-type'], 'application/problem+json');
    const problem = JSON.parse(reply.body);
    assert.equal(problem.status, status);
    assert.match(problem.request_id, /^req_[0-9a-z]{26}$/);
    assert.equal(problem.request_id, reply.headers['x-request-id']);
    assert.equal(problem.instance, '/echo');
    assert.equal((await raw.send(get('/hello')).reply()).status, 200); // and the connection lives
    raw.destroy();
  });
}

test('JSON at the limits is fine', async () => {
  const raw = new Raw(port);
  assert.equal((await raw.send(json('['.repeat(16) + ']'.repeat(16))).reply()).status, 200);
  assert.equal((await raw.send(json(' '.repeat(65534) + '{}')).reply()).status, 200);
  raw.destroy();
});

test('Expect: 100-continue is honoured, and refused without the body', async () => {
  const raw = new Raw(port);
  raw.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
  await raw.until(() => raw.text.includes('100 Continue'));
  const reply = await raw.send('{}').reply();
  assert.equal(reply.status, 200);
  const second = new Raw(port);
  second.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999\r\n\r\n');
  const refusal = await second.reply();
  assert.equal(refusal.status, 413);
  assert.equal(refusal.continued, undefined);
  raw.destroy();
  second.destroy();
});

test('blobs of 1 MiB arrive whole, one byte more is 413', async () => {
  const raw = new Raw(port);
  const head = (n) => `PUT /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: ${n}\r\n\r\n`;
  raw.send(head(1 << 20)).send(Buffer.alloc(1 << 20, 7));
  assert.equal(JSON.parse((await raw.reply()).body).bytes, 1 << 20);
  raw.send(head((1 << 20) + 1)).send(Buffer.alloc((1 << 20) + 1, 7));
  assert.equal((await raw.reply()).status, 413);
  assert.equal((await raw.send(get('/hello')).reply()).status, 200); // the body was read and dropped
  raw.send(head(1 << 22)); // not worth reading: refused at once, and closed
  assert.equal((await raw.reply()).status, 413);
  await raw.until(() => raw.closed);
  raw.destroy();
});

test('problems carry what a client needs', async () => {
  const raw = new Raw(port);
  const bad = await raw.send(get('/bad')).reply();
  assert.equal(bad.status, 422);
  const problem = JSON.parse(bad.body);
  assert.deepEqual(problem.errors, [{ pointer: '/price_gwei', detail: 'must be "digits"' }]);
  assert.equal(problem.code, 'bad_field');
  assert.equal(problem.type, '/problems/bad_field');
  const type = await raw.send(get(problem.type)).reply();
  assert.equal(type.status, 200);
  assert.equal(JSON.parse(type.body).title, problem.title);
  const none = await raw.send(get('/mine')).reply();
  assert.equal(none.status, 401);
  assert.match(none.headers['www-authenticate'], /^Bearer/);
  const wrong = await raw.send(get('/mine', 'Authorization: Bearer wrong\r\n')).reply();
  assert.equal(wrong.status, 401);
  const basic = await raw.send(get('/mine', 'Authorization: Basic Z29vZA==\r\n')).reply();
  assert.equal(basic.status, 401);
  const narrow = await raw.send(get('/mine', 'Authorization: Bearer narrow\r\n')).reply();
  assert.equal(narrow.status, 403);
  assert.equal((await raw.send(get('/mine', 'Authorization: Bearer good\r\n')).reply()).status, 200);
  assert.equal((await raw.send(get('/mine', 'authorization: bearer late\r\n')).reply()).status, 200);
  assert.equal((await raw.send('DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n').reply()).status, 405);
  const options = await raw.send('OPTIONS /echo HTTP/1.1\r\nHost: x\r\n\r\n').reply();
  assert.equal(options.status, 204);
  assert.equal(options.headers.allow, 'POST, OPTIONS');
  assert.equal((await raw.send(post('/bytes', 'x')).reply()).status, 405);
  const noLength = await raw.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n').reply();
  assert.equal(noLength.status, 411);
  const body = await raw.send('GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}').reply();
  assert.equal(body.status, 413);
  raw.destroy();
});

test('HEAD is GET without the body', async () => {
  const raw = new Raw(port);
  raw.send('HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n').send(get('/hello'));
  await raw.until(() => raw.text.includes('\r\n\r\nhello'));
  assert.equal(raw.text.match(/Content-Length: 5/g).length, 2);
  assert.equal(raw.text.match(/\r\n\r\nhello/g).length, 1);
  raw.destroy();
});

test('Idempotency-Key: bare and quoted mean the same, the body counts by content', async () => {
  const raw = new Raw(port);
  const keyed = async (key, body = '{"a":1,"b":2}', path = '/keyed/1') =>
    raw.send(post(path, body, key === null ? '' : `Idempotency-Key: ${key}\r\n`)).reply();
  assert.equal(JSON.parse((await keyed(null)).body).code, 'idempotency_key_missing');
  const bare = JSON.parse((await keyed('k-1')).body);
  const quoted = JSON.parse((await keyed('"k-1"', '{ "b":2, "a" : 1 }')).body);
  assert.equal(bare.key, 'k-1');
  assert.equal(quoted.key, 'k-1');
  assert.equal(bare.hash, quoted.hash);
  assert.notEqual(JSON.parse((await keyed('k-1', '{"a":1,"b":3}')).body).hash, bare.hash);
  assert.notEqual(JSON.parse((await keyed('k-1', '{"a":1,"b":2}', '/keyed/2')).body).hash, bare.hash);
  assert.equal((await keyed('x'.repeat(255))).status, 200);
  for (const bad of ['x'.repeat(256), '""', 'a b', '"a\\"b"', '\xe9', '']) assert.equal((await keyed(bad)).status, 400, bad);
  raw.destroy();
});

test('waits come from Prefer or the query, are capped, and nonsense is told', async () => {
  const raw = new Raw(port);
  const wait = async (headers, query = '') => JSON.parse((await raw.send(post(`/echo${query}`, '{}', headers)).reply()).body);
  assert.equal((await wait('Prefer: wait=7\r\n')).wait_ms, 7000);
  assert.equal((await wait('Prefer: respond-async, wait=9\r\n')).wait_ms, 9000);
  assert.equal((await wait('Prefer: wait=9999999999999999999999\r\n')).wait_ms, 30000);
  assert.equal((await wait('Prefer: wait=x, respond-async\r\n')).wait_ms, 0);
  assert.equal((await wait('', '?wait=12')).wait_ms, 12000);
  assert.equal((await wait('', '?wait=-1')).errors[0].pointer, '#query/wait');
  assert.equal((await wait('', '?wait=1.5')).code, 'bad_field');
  raw.destroy();
});

test('a wait that never ends is 504, and the connection lives', async () => {
  const raw = new Raw(port);
  const reply = await raw.send(get('/never')).reply();
  assert.equal(reply.status, 504);
  assert.equal(reply.headers['retry-after'], '1');
  assert.equal((await raw.send(get('/hello')).reply()).status, 200);
  raw.destroy();
});
