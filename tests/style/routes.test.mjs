// SPDX-License-Identifier: Apache-2.0
// api/routes.def and openapi.yaml say the same, in both directions, and each row has its one file.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const ROW = /^R\("([A-Z]+)",\s*"([^"]+)",\s*(\w+),\s*AUTH_(\w+),\s*(NULL|"[^"]+"),\s*BODY_(\w+),\s*(\d+),\s*(true|false)\)/gm;

export function readRoutes(text) {
  return [...text.matchAll(ROW)].map((m) => ({
    key: `${m[1]} ${m[2]}`, operation: m[3], auth: m[4], body: m[6], idempotent: m[8] === 'true',
  }));
}

function resolve(doc, node) {
  if (!node || !node.$ref) return node;
  return node.$ref.slice(2).split('/').reduce((at, part) => at[part], doc);
}

export function readContract(doc) {
  const rows = [];
  for (const [url, item] of Object.entries(doc.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((p) => resolve(doc, p));
      const security = operation.security ?? doc.security ?? [];
      const open = security.length === 0 || security.every((s) => Object.keys(s).length === 0);
      const optional = security.some((s) => Object.keys(s).length === 0);
      const content = Object.keys(resolve(doc, operation.requestBody)?.content ?? {});
      rows.push({
        key: `${method.toUpperCase()} ${url}`,
        operation: operation.operationId?.replaceAll('-', '_'),
        auth: open ? 'NONE' : optional ? 'OPTIONAL' : 'KEY',
        body: content.length === 0 ? 'NONE' : content.includes('application/json') ? 'JSON' : 'BYTES',
        idempotent: parameters.some((p) => p.in === 'header' && p.name === 'Idempotency-Key' && p.required === true),
        pathParameters: parameters.filter((p) => p.in === 'path').map((p) => p.name).sort(),
      });
    }
  }
  return rows;
}

const text = fs.readFileSync(path.join(root, 'api/routes.def'), 'utf8');
const routes = readRoutes(text);
const contract = readContract(parse(fs.readFileSync(path.join(root, 'openapi.yaml'), 'utf8')));
const byKey = (rows) => new Map(rows.map((row) => [row.key, row]));

test('every row of routes.def is understood', () => {
  const rows = text.match(/^R\(/gm) ?? [];
  assert.ok(rows.length > 0);
  assert.equal(routes.length, rows.length);
  assert.equal(new Set(routes.map((r) => r.operation)).size, routes.length, 'an operation stands twice');
});

test('every route is in openapi.yaml', () => {
  const known = byKey(contract);
  assert.deepEqual(routes.map((r) => r.key).filter((key) => !known.has(key)), []);
});

test('every operation of openapi.yaml is a route', () => {
  const known = byKey(routes);
  assert.deepEqual(contract.map((r) => r.key).filter((key) => !known.has(key)), []);
});

test('both agree on operation, authentication, body and idempotency key', () => {
  const known = byKey(contract);
  for (const { key, ...route } of routes) {
    const { pathParameters, key: _, ...stated } = known.get(key);
    assert.deepEqual(stated, route, key);
  }
});

test('path parameters are declared', () => {
  for (const row of contract) {
    const named = [...row.key.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
    assert.deepEqual(row.pathParameters, named, row.key);
  }
});

test('each route has one file, each file a route', () => {
  const files = fs.readdirSync(path.join(root, 'api'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => fs.readdirSync(path.join(root, 'api', entry.name)))
    .filter((name) => name.endsWith('.c') && !/_view\.c$/.test(name))
    .map((name) => name.replace(/\.c$/, ''));
  assert.deepEqual(files.sort(), routes.map((r) => r.operation).sort());
});

test('a difference would be seen', () => {
  const doc = { paths: { '/v1/x': { post: { operationId: 'make-x', security: [{ key: [] }], requestBody: { content: { 'application/json': {} } } } } } };
  const [stated] = readContract(doc);
  const [route] = readRoutes('R("POST", "/v1/x", make_x, AUTH_KEY, "x", BODY_JSON, 10, true)');
  assert.equal(stated.auth, 'KEY');
  assert.notDeepEqual({ ...stated, pathParameters: undefined }, { ...route, pathParameters: undefined });
});
