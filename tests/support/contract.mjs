// SPDX-License-Identifier: Apache-2.0
// Replies against openapi.yaml: the operation must document the status, and the body must match its schema.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const doc = parse(fs.readFileSync(path.join(root, 'openapi.yaml'), 'utf8'));
const ajv = new Ajv2020.default({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(doc, 'contract');

const escaped = (part) => part.replaceAll('~', '~0').replaceAll('/', '~1');
const templates = Object.keys(doc.paths).map((template) => ({
  template,
  // fixed segments win over parameters, as in the router
  fixed: template.split('/').filter((s) => !s.startsWith('{')).length,
  pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`),
})).sort((a, b) => b.fixed - a.fixed);

function resolve(pointer, node) {
  return node?.$ref ? [node.$ref.slice(1), node.$ref.slice(2).split('/').reduce((at, part) => at[part], doc)] : [pointer, node];
}

// What the router may answer on any operation, and failures on our side: `default`.
const ROUTER = new Set([405, 408, 411, 414, 431, 500, 502, 504]);
const checked = new Map(); // "operation status" -> how often

export function seen() {
  return checked;
}

// Throws when the reply is not what openapi.yaml says.
export function checkReply(method, url, reply) {
  const target = url.split('?')[0];
  const template = templates.find((t) => t.pattern.test(target) && doc.paths[t.template][method.toLowerCase()])?.template;
  if (!template) return; // not a route: the router's own answers have no operation
  const at = `/paths/${escaped(template)}/${method.toLowerCase()}`;
  const operation = doc.paths[template][method.toLowerCase()];
  const fail = (why) => { throw new Error(`${operation.operationId} ${reply.status}: ${why}\n${String(reply.text).slice(0, 1200)}`); };
  const name = operation.responses[reply.status] || !ROUTER.has(reply.status) ? reply.status : 'default';
  if (!operation.responses[name]) fail('the status is not in openapi.yaml');
  const [where, response] = resolve(`${at}/responses/${name}`, operation.responses[name]);
  const type = reply.type.split(';')[0].trim();
  checked.set(`${operation.operationId} ${reply.status}`, (checked.get(`${operation.operationId} ${reply.status}`) ?? 0) + 1);
  if (!response.content) {
    if (reply.text.length > 0) fail('a body where none is documented');
    return;
  }
  if (!response.content[type]) fail(`content type ${type} is not in openapi.yaml`);
  if (!reply.json) return;
  const ref = `contract#${where}/content/${escaped(type)}/schema`;
  const validate = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref });
  if (!validate(reply.json)) fail(ajv.errorsText(validate.errors, { separator: '\n' }));
}
