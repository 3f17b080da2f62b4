// SPDX-License-Identifier: Apache-2.0
// Demo tasks of a local market: posts one of each kind (--post), tells what happens to the market's tasks
// (--follow, until stopped), or waits for the posted ones and shows them as a table (--wait SECONDS).
import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import { Client, options } from './client.mjs';

const FINAL = ['paid', 'refunded', 'cancelled', 'expired'];
const POLL_MS = 500;
const MAX_PRICE_GWEI = String(2n * 10n ** 9n);
const DEADLINE_SECONDS = 600;

// Real work for each kind, small enough for a laptop: some 2^21 SHA-256d and 2^11 scrypt hashes, one proof.
const INPUTS = {
  'mining.sha256d': () => ({ header: randomBytes(76).toString('hex'), target: `000007${'f'.repeat(58)}` }),
  'mining.scrypt': () => ({ header: randomBytes(76).toString('hex'), target: `001f${'f'.repeat(60)}` }),
  'zk.groth16': () => ({ x: decimal(randomBytes(30)), k: decimal(randomBytes(30)) }),
};

function decimal(bytes) {
  return BigInt(`0x${bytes.toString('hex')}`).toString();
}

function cys(gwei) {
  if (gwei === null || gwei === undefined) return '-';
  const value = BigInt(gwei);
  const digits = (value < 0n ? -value : value).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0{1,7}$/, '');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -9)}.${fraction}`;
}

const opt = options(['market', 'wait'], ['post', 'follow']);
const market = JSON.parse(fs.readFileSync(opt.market, 'utf8'));
const client = new Client(market.api, market.keys.requester);
const names = new Map(Object.entries(market.accounts).map(([name, id]) => [id, name]));
const nameOf = (id) => names.get(id) ?? id ?? '-';
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function postAll() {
  const posted = [];
  for (const { kind } of (await client.get('/v1/workloads')).data) {
    if (!INPUTS[kind]) throw new Error(`no demo input for workload kind ${kind}`);
    const task = await client.post('/v1/tasks', {
      kind, input: INPUTS[kind](), max_price_gwei: MAX_PRICE_GWEI, deadline_seconds: DEADLINE_SECONDS, label: `demo ${kind}`,
    });
    console.log(`posted ${task.id}  ${kind}  at most ${cys(MAX_PRICE_GWEI)} CYS`);
    posted.push(task.id);
  }
  return posted;
}

function tellEvent(task, event) {
  const clock = event.at.slice(11, 19);
  const move = event.to_state && event.to_state !== event.from_state ? ` -> ${event.to_state}` : '';
  const payload = event.payload && Object.keys(event.payload).length > 0 ? ` ${describe(event.payload)}` : '';
  console.log(`${clock}  ${task.kind.padEnd(14)} ${task.id.slice(-6)}  ${event.kind}${move}${payload}`);
}

function describe(payload) {
  return Object.entries(payload).filter(([, value]) => value !== null && typeof value !== 'object')
    .map(([key, value]) => {
      if (key.endsWith('_gwei')) return `${key.slice(0, -5)}=${cys(value)}`;
      return `${key}=${names.get(value) ?? value}`;
    }).join(' ').slice(0, 160);
}

// Tells each event once; answers the ids whose final state has been told.
async function tellNews(watched) {
  for (const state of watched.values()) {
    if (state.done) continue;
    const task = await client.get(`/v1/tasks/${state.id}`);
    if (task.version !== state.version) {
      for (const event of (await client.list(`/v1/tasks/${state.id}/events`)).sort((a, b) => (a.id < b.id ? -1 : 1))) {
        if (state.told.has(event.id)) continue;
        state.told.add(event.id);
        tellEvent(task, event);
      }
      state.version = task.version;
    }
    state.done = FINAL.includes(task.state);
  }
}

function watch(watched, id) {
  if (!watched.has(id)) watched.set(id, { id, told: new Set(), version: 0, done: false });
}

async function follow(posted) {
  const watched = new Map();
  const began = Date.now();
  posted.forEach((id) => watch(watched, id));
  for (;;) {
    try {
      for (const task of (await client.get('/v1/tasks?limit=20')).data)
        if (Date.parse(task.created_at) >= began - 1000) watch(watched, task.id);
      await tellNews(watched);
    } catch (problem) {
      console.log(`the API does not answer: ${problem.message}`);
      await pause(3000);
    }
    await pause(POLL_MS);
  }
}

async function waitAll(posted, seconds) {
  const watched = new Map();
  const until = Date.now() + seconds * 1000;
  posted.forEach((id) => watch(watched, id));
  while ([...watched.values()].some((state) => !state.done) && Date.now() < until) {
    await tellNews(watched);
    await pause(POLL_MS);
  }
}

// null where the market has nothing to show (a task that ended early has no settlement).
async function maybe(url) {
  return client.get(url).catch((problem) => {
    if (problem.status === 404 || problem.status === 409) return null;
    throw problem;
  });
}

async function row(id) {
  const task = await client.get(`/v1/tasks/${id}`);
  const auction = await maybe(`/v1/tasks/${id}/auction`);
  const rungs = (await maybe(`/v1/tasks/${id}/verifications`))?.data ?? [];
  const settlement = await maybe(`/v1/tasks/${id}/settlement`);
  return { task, auction, rungs, settlement };
}

function shortBid(bid) {
  const score = bid.score_ppm ?? '-';
  return `${nameOf(bid.account_id)} ${cys(bid.price_gwei)} (${score})`;
}

function table(rows) {
  const head = ['KIND', 'STATE', 'SECONDS', 'BIDS', 'WINNER', 'PRICE', 'COMMITTEE', 'VOTES', 'PAID OUT'];
  const lines = rows.map(({ task, auction, rungs, settlement }) => {
    const bids = auction?.bids ?? [];
    const winners = bids.filter((bid) => bid.verdict === 'won');
    const seconds = task.finished_at ? (Date.parse(task.finished_at) - Date.parse(task.created_at)) / 1000 : NaN;
    const lines = settlement?.lines ?? [];
    return [
      task.kind, task.state, Number.isNaN(seconds) ? '-' : seconds.toFixed(1), String(bids.length),
      winners.map((bid) => nameOf(bid.account_id)).join(' ') || '-',
      winners.map((bid) => cys(bid.price_gwei)).join(' ') || '-',
      rungs.map((rung) => `${rung.seat_count} seats`).join(', ') || '-',
      rungs.map((rung) => `${rung.yes_weight ?? 0} yes ${rung.no_weight ?? 0} no`).join(', ') || '-',
      `${lines.length} lines`,
    ];
  });
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)));
  for (const line of [head, ...lines]) console.log(line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
}

function details({ task, auction, rungs, settlement }) {
  console.log(`\n${task.kind}  ${task.id}`);
  console.log(`  bids (score)  ${(auction?.bids ?? []).map(shortBid).join(', ') || '-'}`);
  for (const rung of rungs) {
    const seats = (rung.seats ?? []).map((seat) => `${nameOf(seat.account_id)} x${seat.weight} ${seat.vote === true ? 'yes' : seat.vote === false ? 'no' : seat.state}`);
    console.log(`  rung ${rung.rung}        ${rung.outcome ?? 'open'}: ${seats.join(', ')}`);
  }
  for (const line of settlement?.lines ?? [])
    console.log(`  ${cys(line.amount_gwei).padStart(14)}  ${String(nameOf(line.account_id)).padEnd(10)} ${line.rule ?? line.kind ?? ''}`);
}

const posted = opt.post ? await postAll() : [];
if (opt.follow) await follow(posted);
if (opt.wait) {
  await waitAll(posted, Number(opt.wait));
  const rows = [];
  for (const id of posted) rows.push(await row(id));
  console.log();
  table(rows);
  rows.forEach(details);
  const paid = rows.filter(({ task }) => task.state === 'paid').length;
  console.log(`\n${JSON.stringify({ tasks_paid: paid, tasks_total: posted.length })}`);
}
