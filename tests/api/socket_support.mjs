// SPDX-License-Identifier: Apache-2.0
// Starts the test application (tests/support/http_app.c) and talks raw bytes to it.
import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const build = path.resolve(process.env.COMPUTEFI_BUILD || path.join(source, 'build'));

export async function startServer({
  loops = 1, staticDir = '', rateLimit = 0, connections = 20000, metricsPort = 0, deadlineMs = 2000,
} = {}) {
  const args = [loops, staticDir, rateLimit, connections, metricsPort, deadlineMs];
  const child = spawn(path.join(build, 'tests/unit/http/server_test'), ['serve', ...args.map(String)], {
    cwd: source, stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  const port = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => reject(new Error('the test server ended before it listened')));
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = output.match(/^port (\d+)$/m);
      if (found) resolve(Number(found[1]));
    });
  });
  return {
    port,
    pid: child.pid,
    // Ends it as systemd would, and says how it ended.
    async stop() {
      child.kill('SIGTERM');
      return { ...(await exited), output };
    },
  };
}

const PATIENCE_MS = 30000; // other tests use the machine as well

export class Raw {
  constructor(port) {
    this.text = '';
    this.closed = false;
    this.waiters = [];
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => { this.text += chunk.toString('latin1'); this.#look(); });
    this.socket.on('end', () => { this.closed = true; this.#look(); });
    this.socket.on('close', () => { this.closed = true; this.#look(); });
    this.socket.on('error', () => { this.closed = true; this.#look(); });
  }

  #look() {
    this.waiters = this.waiters.filter((w) => !w());
  }

  send(bytes) {
    if (!this.closed) this.socket.write(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'));
    return this;
  }

  // Resolves once the condition holds; rejects at the deadline.
  until(condition, ms = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not within ${ms} ms; got ${this.text.length} bytes: ${this.text.slice(0, 600)}`)), ms);
      const look = () => {
        if (!condition(this)) return false;
        clearTimeout(timer);
        resolve(this);
        return true;
      };
      if (!look()) this.waiters.push(look);
    });
  }

  // The next whole reply; body by Content-Length.
  async reply(ms) {
    let found = null;
    await this.until(() => { found = take(this.text); return found !== null || this.closed; }, ms);
    if (found === null) return null;
    this.text = this.text.slice(found.size);
    return found;
  }

  end() {
    this.socket.end();
    return this;
  }

  destroy() {
    this.socket.destroy();
  }
}

function take(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first, ...lines] = text.slice(0, end).split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(first.split(' ')[1]);
  if (status === 100) return take100(text, end);
  const length = status === 204 || status === 304 ? 0 : Number(headers['content-length'] || 0);
  const size = end + 4 + length;
  if (text.length < size) return null;
  return { status, headers, body: text.slice(end + 4, size), size };
}

function take100(text, end) {
  const next = take(text.slice(end + 4));
  return next && { ...next, size: next.size + end + 4, continued: true };
}

// One request on a connection of its own; the whole conversation until the server closes or falls
// silent for `quiet` ms.
export async function talk(port, bytes, { quiet = 300, ms = 8000 } = {}) {
  const raw = new Raw(port);
  raw.send(bytes);
  let last = -1;
  const deadline = Date.now() + ms;
  while (!raw.closed && Date.now() < deadline) {
    if (raw.text.length === last && last > 0) break;
    last = raw.text.length;
    await new Promise((resolve) => { setTimeout(resolve, quiet); });
  }
  const closed = raw.closed;
  raw.destroy();
  return { text: raw.text, closed, statuses: [...raw.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])) };
}

export const get = (target, headers = '') => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
export const post = (target, body, headers = '', type = 'application/json') =>
  `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
