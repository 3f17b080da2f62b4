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

// Real work for each kind, small enough for a laptop: some 2^22 SHA-256d and 2^12 scrypt hashes, one proof.
const INPUTS = {
  'mining.sha256d': () => ({ header: randomBytes(76).toString('hex'), target: `000003${'f'.repeat(58)}` }),
  'mining.scrypt': () => ({ header: randomBytes(76).toString('hex'), target: `000f${'f'.repeat(60)}` }),
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

// What an event says to a person; an event not listed here shows its plain fields.
const seats = new Map();
const who = (payload) => seats.get(payload.seat) ?? (payload.slot === undefined ? '' : `slot ${payload.slot}`);
const TELL = {
  opened: (p) => `at most ${cys(p.max_price)} CYS each, ${p.replicas} wanted, ${cys(p.escrow)} in escrow`,
  closed: (p) => `${p.counting_bids} sealed bids`,
  awarded: (p) => (p.jobs ?? []).map((j) => `${nameOf(j.entity)} at ${cys(j.price)} CYS (${j.why})`).join(', '),
  committed: (p) => (p.seat ? `a vote by ${who(p)}` : `a result for ${who(p)}`),
  revealed: (p) => `the result of ${who(p)}`,
  checked: (p) => `${p.verdict}: ${p.reason}`,
  drawn: (p) => {
    for (const member of p.committee ?? []) seats.set(member.seat, nameOf(member.entity));
    return `rung ${p.rung}, ${p.seats} seats: ${(p.committee ?? []).map((m) => `${nameOf(m.entity)} x${m.weight}`).join(', ')}`;
  },
  voted: (p) => who(p),
  tallied: (p) => `rung ${p.rung}: ${p.yes} yes, ${p.no} no, ${p.missing} missing, quorum ${p.quorum}: ${p.outcome}`,
  submitted: (p) => `${p.slots} results`,
  accepted: (p) => (p.unwitnessed ? 'unwitnessed' : ''),
  paid: (p) => `provider ${cys(p.provider)}, verifiers ${cys(p.verifier)}, fee ${cys(p.fee)}, back to the requester ${cys(p.refund)}`,
};

function describe(payload) {
  return Object.entries(payload).filter(([, value]) => value !== null && typeof value !== 'object' && !/^[0-9a-f]{64}$/.test(value))
    .map(([key, value]) => `${key}=${names.get(value) ?? value}`).join(' ').slice(0, 160);
}

function tellEvent(task, event) {
  const tell = TELL[event.kind] ?? describe;
  const words = tell(event.payload ?? {});
  console.log(`${event.at.slice(11, 19)}  ${task.kind.padEnd(14)} ${task.id.slice(-6)}  ${event.kind.padEnd(10)} ${words}`.trimEnd());
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

function table(rows) {
  const head = ['KIND', 'STATE', 'SECONDS', 'BIDS', 'WINNER', 'PRICE', 'SCORE', 'COMMITTEE', 'VOTES', 'PROVIDER', 'VERIFIERS', 'FEE', 'BACK'];
  const lines = rows.map(({ task, auction, rungs, settlement }) => {
    const bids = auction?.bids ?? [];
    const winners = bids.filter((bid) => bid.verdict === 'won');
    const seconds = task.finished_at ? ((Date.parse(task.finished_at) - Date.parse(task.created_at)) / 1000).toFixed(1) : '-';
    const join = (cells) => cells.join(' ') || '-';
    return [
      task.kind, task.state, seconds, String(bids.length),
      join(winners.map((bid) => nameOf(bid.account_id))), join(winners.map((bid) => cys(bid.price_gwei))),
      join(winners.map((bid) => bid.score_ppm)),
      join(rungs.map((rung) => `${rung.seat_count} seats`)),
      join(rungs.map((rung) => `${rung.yes_weight ?? 0}:${rung.no_weight ?? 0}`)),
      cys(settlement?.provider_gwei), cys(settlement?.verifier_gwei), cys(settlement?.fee_gwei), cys(settlement?.refund_gwei),
    ];
  });
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i].length)));
  for (const line of [head, ...lines]) console.log(line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
}

function details({ task, auction, rungs, settlement }) {
  console.log(`\n${task.kind}  ${task.id}`);
  for (const bid of auction?.bids ?? [])
    console.log(`  bid         ${nameOf(bid.account_id).padEnd(11)} ${cys(bid.price_gwei)} CYS, score ${bid.score_ppm ?? '-'} = price ${bid.score_price_ppm ?? '-'} + reserve ${bid.score_reserve_ppm ?? '-'}: ${bid.verdict}, ${bid.reason}`);
  for (const rung of rungs)
    for (const seat of rung.seats ?? [])
      console.log(`  rung ${rung.rung} vote ${nameOf(seat.account_id).padEnd(11)} ${seat.vote === true ? 'yes' : seat.vote === false ? 'no' : seat.state} x${seat.weight}${seat.vote_reason ? ` (${seat.vote_reason})` : ''}`);
  for (const line of settlement?.lines ?? [])
    console.log(`  pays        ${(line.account_id ? nameOf(line.account_id) : line.account_kind).padEnd(11)} ${cys(line.amount_gwei)} CYS: ${line.rule}`);
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
