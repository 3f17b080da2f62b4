// SPDX-License-Identifier: Apache-2.0
// A market of its own for API tests: database, server and the workers a test asks for. Every reply that
// passes through a Client is checked against openapi.yaml.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkReply } from './contract.mjs';

export const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const build = path.resolve(process.env.COMPUTEFI_BUILD || path.join(source, 'build'));
const START_MS = 30000;
const CALL_MS = 60000;

function up(script, found) {
  return found || execFileSync(path.join(source, 'tests/support', script), ['--owner', String(process.pid)], {
    encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

function psql(uri, sql) {
  return execFileSync('psql', ['-XAtqv', 'ON_ERROR_STOP=1', uri, '-c', sql], { encoding: 'utf8' }).trim();
}

export async function until(condition, what, ms = 20000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 40); });
  }
}

// One process; its log goes to a file that is shown when it ends before its time.
class Process {
  constructor(dir, name, program, args) {
    this.name = name;
    this.log = path.join(dir, `${name}.log`);
    const out = fs.openSync(this.log, 'a');
    this.child = spawn(path.join(build, 'bin', program), args, { cwd: source, stdio: ['ignore', out, out] });
    fs.closeSync(out);
    this.ended = new Promise((resolve) => { this.child.on('exit', (code, signal) => resolve({ code, signal })); });
  }

  text() {
    return fs.readFileSync(this.log, 'utf8');
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }
}

export class Market {
  // options: workers (names of workers.def), set ({'market.mode': 'production'})
  static async start({ workers = [], set = {} } = {}) {
    const m = new Market();
    m.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'cf-api-'));
    const pg = up('postgres-up', process.env.COMPUTEFI_TEST_PG);
    const redis = workers.length > 0 ? up('redis-up', process.env.COMPUTEFI_TEST_REDIS) : '';
    const [host, port] = [pg.slice(0, pg.lastIndexOf(':')), pg.slice(pg.lastIndexOf(':') + 1)];
    m.database = `api_${randomBytes(6).toString('hex')}`;
    m.admin = `postgresql://computefi@/postgres?host=${host}&port=${port}`;
    m.uri = `postgresql://computefi@/${m.database}?host=${host}&port=${port}`;
    psql(m.admin, `CREATE DATABASE ${m.database} TEMPLATE template0`);
    m.id = `test-${m.database}`;
    m.args = Object.entries({
      'server.port': 0, 'server.drain_ms': 50, 'server.key_secret': randomBytes(24).toString('hex'), 'db.uri': m.uri, 'market.id': m.id,
      'market.policy': 'development', 'redis.address': redis && `unix:${redis}`, 'redis.prefix': m.database,
      'worker.data_dir': path.join(build, 'zk'), 'log.format': 'json', ...set,
    }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    m.processes = [];
    try {
      execFileSync(path.join(build, 'bin/computefi-server'), [...m.args, 'migrate', 'up'], { cwd: source, stdio: ['ignore', 'ignore', 'pipe'] });
      await m.startServer();
      for (const job of workers) m.processes.push(new Process(m.dir, job, 'computefi-worker', [...m.args, job]));
    } catch (error) {
      await m.stop();
      throw error;
    }
    return m;
  }

  async startServer() {
    this.starts = (this.starts ?? 0) + 1;
    this.server = new Process(this.dir, `server${this.starts}`, 'computefi-server', this.args);
    const port = await until(() => {
      if (this.server.child.exitCode !== null) throw new Error(`the server ended:\n${this.server.text()}`);
      const lines = [...this.server.text().matchAll(/"msg":"listening".*?"port":"(\d+)"/g)];
      return lines.length > 0 && Number(lines.at(-1)[1]);
    }, 'the server listens', START_MS);
    this.api = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${this.api}/readyz`).catch(() => null))?.ok, 'the server is ready', START_MS);
  }

  sql(text) {
    return psql(this.uri, text);
  }

  // Throws with what sql/invariants.sql found.
  invariants() {
    const uri = `${this.uri}&options=${encodeURIComponent(`-c computefi.market_id=${this.id}`)}`;
    try {
      execFileSync(path.join(build, 'bin/computefi'), ['invariants', '--db', uri], { cwd: source, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      throw new Error(`invariants:\n${error.stdout}${error.stderr}`);
    }
  }

  operator(name = 'operator') {
    const out = execFileSync(path.join(build, 'bin/computefi-server'), [...this.args, 'operator', 'create', name], { cwd: source, encoding: 'utf8' });
    const made = JSON.parse(out);
    return new Client(this.api, made.key, made.account_id);
  }

  anonymous() {
    return new Client(this.api);
  }

  // An account with play money and, when asked, stake.
  async account(name = 'someone', { cys = 0, stake = 0 } = {}) {
    const made = await this.anonymous().post('/v1/accounts', { name });
    const client = new Client(this.api, made.json.key.secret, made.json.id);
    if (cys + stake > 0) await client.post('/v1/faucet', { amount_gwei: gwei(cys + stake) }).then((r) => r.expect(201));
    if (stake > 0) await client.post('/v1/stakes', { amount_gwei: gwei(stake) }).then((r) => r.expect(201));
    return client;
  }

  async stop() {
    for (const p of this.processes) await p.stop();
    const end = this.server ? await this.server.stop() : null;
    psql(this.admin, `DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`);
    const log = this.server ? this.server.text() : '';
    fs.rmSync(this.dir, { recursive: true, force: true });
    if (end && (end.code !== 0 || /"level":"error"/.test(log))) throw new Error(`the server ended with ${end.code ?? end.signal}:\n${log.slice(-4000)}`);
  }
}

export const gwei = (cys) => String(BigInt(Math.round(cys * 1e9)));

export class Reply {
  constructor(response, text, request) {
    this.status = response.status;
    this.headers = response.headers;
    this.text = text;
    this.request = request;
    this.type = response.headers.get('content-type') ?? '';
    this.json = /json/.test(this.type) ? JSON.parse(text) : null;
  }

  // Throws with the whole reply unless it has this status (and code).
  expect(status, code) {
    if (this.status !== status || (code && this.json?.code !== code))
      throw new Error(`${this.request}: expected ${status} ${code ?? ''}, got ${this.status} ${this.text.slice(0, 800)}`);
    return this;
  }

  pointers() {
    return (this.json?.errors ?? []).map((e) => e.pointer);
  }
}

export class Client {
  constructor(api, key, id) {
    this.api = api;
    this.key = key;
    this.id = id;
  }

  with(key) {
    return new Client(this.api, key, this.id);
  }

  async call(method, url, { body, raw, headers = {}, idem } = {}) {
    const all = { ...headers };
    if (this.key) all.authorization = `Bearer ${this.key}`;
    if (body !== undefined) all['content-type'] = 'application/json';
    if (raw !== undefined && !all['content-type']) all['content-type'] = 'application/octet-stream';
    if (idem !== null && method === 'POST') all['idempotency-key'] = idem ?? randomUUID();
    const response = await fetch(this.api + url, {
      method, headers: all, body: body === undefined ? raw : JSON.stringify(body), signal: AbortSignal.timeout(CALL_MS),
    });
    const binary = /octet-stream/.test(response.headers.get('content-type') ?? '');
    const bytes = Buffer.from(await response.arrayBuffer());
    const reply = new Reply(response, binary ? bytes : bytes.toString('utf8'), `${method} ${url}`);
    checkReply(method, url, reply);
    return reply;
  }

  get(url, options) {
    return this.call('GET', url, options);
  }

  post(url, body = {}, options = {}) {
    return this.call('POST', url, { body, ...options });
  }
}
