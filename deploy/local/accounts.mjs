// SPDX-License-Identifier: Apache-2.0
// Makes the demo accounts of a local market through the public API, gives them play money and stakes, and
// writes D/accounts.json and the agents' settings. What exists already is used again.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Client, options } from './client.mjs';

const CYS = 10n ** 9n;
const REQUESTER_CYS = 100000n;
// Unequal on purpose: the score shows what a reserve is worth.
const PROVIDER_STAKE_CYS = [20000n, 50000n, 90000n];
const VERIFIER_STAKE_CYS = [20000n, 30000n, 40000n];
const POCKET_CYS = 1000n;
const PLEDGE_CYS = 1000n;
// How the providers price. The first is cheap at one kind, the second asks list prices, the third is a
// little dearer than the first and wins where its reserve outweighs that.
const STRATEGIES = [
  ['strategy = cost_plus', 'margin_ppm = 250000', '[cost]', 'mining.sha256d = 30000000'],
  ['strategy = fixed', 'price_gwei = 400000000', '[price]', 'zk.groth16 = 60000000'],
  ['strategy = cost_plus', 'margin_ppm = 300000'],
];

const opt = options(['dir', 'api', 'build', 'providers', 'verifiers']);
const file = path.join(opt.dir, 'accounts.json');
const config = path.join(opt.dir, 'computefi.conf');
const source = path.resolve(new URL('../..', import.meta.url).pathname);

function readAccounts() {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { keys: {}, accounts: {} };
}

function writePrivate(name, text) {
  fs.writeFileSync(`${name}.new`, text, { mode: 0o600 });
  fs.renameSync(`${name}.new`, name);
}

// The first operator is made beside the API: nobody may become one through it.
function createOperator(name) {
  const out = execFileSync(path.join(opt.build, 'bin/computefi-server'), ['--config', config, 'operator', 'create', name],
    { cwd: source, encoding: 'utf8' });
  return JSON.parse(out);
}

async function account(known, who) {
  const key = known.keys[who];
  if (key) {
    const mine = await new Client(opt.api, key).get('/v1/accounts/me').catch((problem) => {
      if (problem.status === 401) return null; // a new database: the old key is unknown there
      throw problem;
    });
    if (mine) return { id: mine.id, key };
  }
  if (who === 'operator') {
    const made = createOperator('operator');
    return { id: made.account_id, key: made.key };
  }
  const made = await new Client(opt.api).post('/v1/accounts', { name: who });
  return { id: made.id, key: made.key.secret };
}

async function balance(client, kind) {
  const rows = (await client.get('/v1/balances')).data;
  return rows.filter((row) => row.kind === kind).reduce((sum, row) => sum + BigInt(row.balance_gwei), 0n);
}

// Tops up what is missing, so that a second start changes nothing.
async function fund(key, stakeCys, pocketCys) {
  const client = new Client(opt.api, key);
  const missingStake = stakeCys * CYS - (await balance(client, 'reserve')) - (await balance(client, 'bond'));
  const stake = missingStake > (stakeCys * CYS) / 2n ? missingStake : 0n;
  const missing = pocketCys * CYS + stake - (await balance(client, 'available'));
  if (missing > (pocketCys * CYS) / 2n || (stake > 0n && missing > 0n))
    await client.post('/v1/faucet', { amount_gwei: String(missing) });
  if (stake > 0n) await client.post('/v1/stakes', { amount_gwei: String(stake) });
}

function agentSettings(kind, index, key) {
  const name = `${kind}${index}`;
  const state = path.join(opt.dir, 'agents', name);
  fs.mkdirSync(state, { recursive: true, mode: 0o700 });
  return [
    '[agent]',
    `api = ${opt.api}`,
    `key = ${key}`,
    `name = ${name}`,
    `state_dir = ${state}`,
    `data_dir = ${path.join(opt.build, 'zk')}`,
    `pledge_gwei = ${PLEDGE_CYS * CYS}`,
    ...(kind === 'provider' ? STRATEGIES[(index - 1) % STRATEGIES.length] : []),
    '',
  ].join('\n');
}

const known = readAccounts();
const result = { keys: {}, accounts: {} };
const parties = [
  { who: 'operator' },
  { who: 'requester', stake: 0n, pocket: REQUESTER_CYS },
];
for (let i = 1; i <= Number(opt.providers); i++)
  parties.push({ who: `provider${i}`, kind: 'provider', index: i, stake: PROVIDER_STAKE_CYS[(i - 1) % 3], pocket: POCKET_CYS });
for (let i = 1; i <= Number(opt.verifiers); i++)
  parties.push({ who: `verifier${i}`, kind: 'verifier', index: i, stake: VERIFIER_STAKE_CYS[(i - 1) % 3], pocket: POCKET_CYS });

for (const party of parties) {
  const { id, key } = await account(known, party.who);
  result.keys[party.who] = key;
  result.accounts[party.who] = id;
  writePrivate(file, JSON.stringify({ keys: { ...known.keys, ...result.keys }, accounts: { ...known.accounts, ...result.accounts } }, null, 1));
  if (party.stake !== undefined) await fund(key, party.stake, party.pocket);
  if (party.kind) writePrivate(path.join(opt.dir, 'agents', `${party.who}.conf`), agentSettings(party.kind, party.index, key));
}
