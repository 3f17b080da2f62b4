// SPDX-License-Identifier: Apache-2.0
// Many connections at once: the stall of the internal epoll mode, parked polls, hang-ups, drain.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Raw, get, startServer } from './socket_support.mjs';

const PARKED = 8000;
const start = (options = {}) => startServer({ deadlineMs: 20000, ...options });

async function stats(port, target = '/stats') {
  const raw = new Raw(port);
  const reply = await raw.send(get(target)).reply();
  raw.destroy();
  return JSON.parse(reply.body);
}

async function eventually(check, ms = 40000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error('not in time');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

// first: what each sends as soon as it is connected (idle connections end at the deadline)
const openAll = async (port, count, first = () => null) => {
  const all = [];
  for (let i = 0; i < count; i += 500) {
    const batch = Array.from({ length: Math.min(500, count - i) }, () => new Raw(port));
    await Promise.all(batch.map((raw) => new Promise((resolve, reject) => {
      raw.socket.once('connect', resolve);
      raw.socket.once('error', reject);
    })));
    batch.forEach((raw, k) => first(i + k) && raw.send(first(i + k)));
    all.push(...batch);
  }
  return all;
};

// The median time of a round in which every connection sends one request at once.
async function medianRound(port, count) {
  const all = await openAll(port, count);
  const rounds = [];
  for (let round = 0; round < 31; round++) {
    const replies = all.map((raw) => raw.reply());
    const began = performance.now();
    for (const raw of all) raw.send(get('/hello'));
    for (const reply of await Promise.all(replies)) assert.equal(reply.status, 200);
    rounds.push(performance.now() - began);
  }
  all.forEach((raw) => raw.destroy());
  return rounds.sort((x, y) => x - y)[rounds.length >> 1];
}

// libmicrohttpd's own loop waits again with the old timeout when exactly 128 events are ready.
for (const count of [128, 256, 384]) {
  test(`no stall at exactly ${count} connections on one loop`, async () => {
    const server = await start();
    const beside = await medianRound(server.port, count - 1);
    const exact = await medianRound(server.port, count);
    assert.ok(exact < 3 * beside + 20, `${exact.toFixed(1)} ms a round, ${beside.toFixed(1)} with one less`);
    const end = await server.stop();
    assert.deepEqual([end.code, end.signal], [0, null]);
  });
}

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => { probe.listen(0, '127.0.0.1', resolve); });
  const { port } = probe.address();
  await new Promise((resolve) => { probe.close(resolve); });
  return port;
}

test(`${PARKED} polls park, one wake ends one, the rest costs nothing`, async () => {
  const server = await start();
  const all = await openAll(server.port, PARKED, (i) => get(`/wait/p${i}?wait=30`));
  await eventually(async () => (await stats(server.port)).handled >= PARKED);
  const raw = new Raw(server.port);
  const began = process.hrtime.bigint();
  for (let i = 0; i < 200; i++) assert.equal((await raw.send(get('/hello')).reply()).status, 200);
  const each = Number(process.hrtime.bigint() - began) / 200 / 1e6;
  assert.ok(each < 20, `${each.toFixed(2)} ms a request beside ${PARKED} parked polls`);
  for (const i of [0, 17, PARKED - 1]) {
    const reply = all[i].reply();
    assert.equal((await raw.send(`POST /wake/p${i} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`).reply()).status, 200);
    assert.equal((await reply).body, 'woken');
  }
  const cpu = fs.readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(' ');
  assert.ok(Number(cpu[13]) + Number(cpu[14]) < 1500, 'more than 15 s of CPU');
  const rest = Promise.all(all.slice(100, 200).map((r) => r.reply()));
  assert.equal((await raw.send('POST /wake/* HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n').reply()).status, 200);
  for (const reply of await rest) assert.equal(reply.body, 'woken');
  all.forEach((r) => r.destroy());
  raw.destroy();
  const end = await server.stop();
  assert.deepEqual([end.code, end.signal], [0, null]);
});

test('parked clients that hung up are freed within seconds', async () => {
  const server = await start({ loops: 2 });
  const all = await openAll(server.port, 500);
  all.forEach((raw) => raw.send(get('/wait/gone?wait=30')));
  await eventually(async () => (await stats(server.port)).handled >= 500);
  const { ended } = await stats(server.port);
  all.forEach((raw) => raw.destroy());
  await eventually(async () => (await stats(server.port)).ended - ended >= 500, 10000);
  const end = await server.stop();
  assert.deepEqual([end.code, end.signal], [0, null]);
});

test('at most half of the connections may park', async () => {
  const server = await start({ connections: 64 });
  const all = await openAll(server.port, 40);
  const replies = [];
  all.forEach((raw) => raw.send(get('/wait/half?wait=30')));
  for (const raw of all) raw.until(() => raw.text.includes('full')).then(() => replies.push(raw), () => {});
  await eventually(() => replies.length >= 8);
  const raw = new Raw(server.port);
  assert.equal((await raw.send(get('/hello')).reply()).status, 200);
  assert.equal(replies.length, 8);
  all.forEach((r) => r.destroy());
  raw.destroy();
  await server.stop();
});

test('a drain answers parked polls, refuses readiness and does not abort', async () => {
  const server = await start({ loops: 2 });
  const all = await openAll(server.port, 1000);
  all.forEach((raw) => raw.send(get('/wait/drain?wait=30')));
  await eventually(async () => (await stats(server.port)).handled >= 1000);
  const probe = new Raw(server.port);
  assert.equal((await probe.send(get('/readyz')).reply()).status, 200);
  const replies = Promise.all(all.map((raw) => raw.reply()));
  const ended = server.stop();
  for (const reply of await replies) {
    assert.equal(reply.status, 204);
    assert.equal(reply.headers.connection, 'close');
  }
  const end = await ended;
  assert.deepEqual([end.code, end.signal], [0, null]); // 134 would be the abort
  assert.match(end.output, /drained/);
  probe.destroy();
});

test('a drain waits for requests that are at work', async () => {
  const server = await start();
  const raw = new Raw(server.port);
  raw.send(get('/slow'));
  await eventually(async () => (await stats(server.port)).handled >= 1);
  const reply = raw.reply();
  const ended = server.stop();
  assert.equal((await reply).body, 'slow');
  assert.equal((await ended).code, 0);
  raw.destroy();
});

test('files: types, validators, the page for unknown names, no way out of the folder', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'cf-static-'));
  fs.mkdirSync(path.join(dir, 'assets'));
  fs.writeFileSync(path.join(dir, 'index.html'), '<!doctype html><title>x</title>');
  fs.writeFileSync(path.join(dir, 'assets/app-1.js'), 'export {};');
  fs.writeFileSync(path.join(dir, '.secret'), 'no');
  fs.symlinkSync('/etc/passwd', path.join(dir, 'passwd'));
  const server = await start({ staticDir: dir });
  const raw = new Raw(server.port);
  const page = await raw.send(get('/')).reply();
  assert.equal(page.status, 200);
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.match(page.headers['content-security-policy'], /default-src 'self'/);
  assert.equal((await raw.send(get('/', `If-None-Match: ${page.headers.etag}\r\n`)).reply()).status, 304);
  const script = await raw.send(get('/assets/app-1.js')).reply();
  assert.match(script.headers['cache-control'], /immutable/);
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal((await raw.send(get('/tasks/x', 'Accept: text/html\r\n')).reply()).body, page.body);
  for (const none of ['/tasks/x', '/passwd', '/.secret', '/assets', '/assets/']) {
    assert.equal((await raw.send(get(none)).reply()).status, 404, none);
  }
  assert.equal((await raw.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n').reply()).status, 405);
  raw.destroy();
  await server.stop();
  fs.rmSync(dir, { recursive: true });
});

test('a rate limit shows the quota before it answers 429', async () => {
  const server = await start({ rateLimit: 5 });
  const raw = new Raw(server.port);
  const statuses = [];
  let last;
  for (let i = 0; i < 7; i++) {
    last = await raw.send(get('/hello')).reply();
    statuses.push(last.status);
    assert.equal(last.headers['ratelimit-policy'], '"default";q=5;w=60');
  }
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
  assert.ok(Number(last.headers['retry-after']) >= 1 && Number(last.headers['retry-after']) <= 12);
  assert.match(last.headers.ratelimit, /^"default";r=0;t=\d+$/);
  // a key has a quota of its own; guessing keys is charged to the address
  assert.equal((await raw.send(get('/mine', 'Authorization: Bearer good\r\n')).reply()).status, 200);
  assert.equal((await raw.send(get('/mine', 'Authorization: Bearer guess\r\n')).reply()).status, 429);
  assert.equal((await raw.send(get('/livez')).reply()).status, 200);
  raw.destroy();
  await server.stop();
});

test('metrics count operations, codes and durations', async () => {
  const metricsPort = await freePort();
  const server = await start({ loops: 2, metricsPort });
  const raw = new Raw(server.port);
  for (let i = 0; i < 3; i++) await raw.send(get('/hello')).reply();
  await raw.send(get('/nowhere')).reply();
  await raw.send(get('/bad')).reply();
  const look = async (target) => {
    const m = new Raw(metricsPort);
    const reply = await m.send(get(target)).reply();
    m.destroy();
    return reply;
  };
  const wanted = [
    /computefi_http_requests_total\{operation="hello",code="200"\} 3\n/,
    /computefi_http_requests_total\{operation="other",code="404"\} 1\n/,
    /computefi_http_requests_total\{operation="bad",code="422"\} 1\n/,
    /computefi_http_request_duration_seconds_bucket\{operation="hello",le="\+Inf"\} 3\n/,
    /computefi_http_request_duration_seconds_count\{operation="hello"\} 3\n/,
    /computefi_http_connections 1\n/,
    /computefi_build_info\{version="[^"]+"\} 1\n/,
  ];
  await eventually(async () => {
    const { body } = await look('/metrics');
    return wanted.every((pattern) => pattern.test(body));
  });
  assert.equal((await look('/other')).status, 404);
  raw.destroy();
  await server.stop();
});
