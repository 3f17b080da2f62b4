// SPDX-License-Identifier: Apache-2.0
// A small client of the public API for the programs beside it.
import { randomUUID } from 'node:crypto';

const TIMEOUT_MS = 40000;

export class Problem extends Error {
  constructor(method, url, status, body) {
    const fields = (body?.errors ?? []).map((e) => `${e.pointer}: ${e.detail}`).join('; ');
    super(`${method} ${url}: ${status} ${body?.code ?? ''} ${body?.detail ?? body?.title ?? ''} ${fields}`.trim());
    this.status = status;
    this.code = body?.code;
  }
}

export class Client {
  constructor(api, key) {
    this.api = api;
    this.key = key;
  }

  async call(method, url, body) {
    const headers = { accept: 'application/json' };
    if (this.key) headers.authorization = `Bearer ${this.key}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (method === 'POST') headers['idempotency-key'] = randomUUID();
    const response = await fetch(this.api + url, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    const json = text === '' ? null : JSON.parse(text);
    if (!response.ok) throw new Problem(method, url, response.status, json);
    return json;
  }

  get(url) {
    return this.call('GET', url);
  }

  post(url, body = {}) {
    return this.call('POST', url, body);
  }

  // Every row of a list, page after page, at most `max`.
  async list(url, max = 1000) {
    const rows = [];
    let cursor = '';
    do {
      const mark = url.includes('?') ? '&' : '?';
      const page = await this.get(`${url}${mark}limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      rows.push(...page.data);
      cursor = page.has_more ? page.next_cursor : '';
    } while (cursor && rows.length < max);
    return rows;
  }
}

// `--name value` and `--flag` words of the command line.
export function options(names, flags = []) {
  const found = {};
  const words = process.argv.slice(2);
  while (words.length > 0) {
    const name = words.shift().replace(/^--/, '');
    if (flags.includes(name)) found[name] = true;
    else if (names.includes(name) && words.length > 0) found[name] = words.shift();
    else throw new Error(`unknown or incomplete option --${name}`);
  }
  return found;
}
