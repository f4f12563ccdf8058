/**
 * Signalbox and what a user would otherwise pick, side by side: same machine, broker, records and checks.
 *
 *   npm run bench -- peers [--work W1,W2] [--peers signalbox,naive-map] [--reps 3] [--json] [--save]
 *                          [--part 0.1] [--render]
 *
 * Each measurement is a fresh process with a new group, in turns, so that a noisy moment meets everybody. A peer that
 * cannot be installed is a row that says so. --save adds the runs to bench/results/peers.json,
 * from which --render makes docs/benchmarks.md, measuring nothing. --part takes that share of the records, for a
 * look whether everything runs: its figures are mostly start-up.
 */
import { parseArgs } from 'node:util';
import { chosen, isOurs } from './peers/all.ts';
import { crash } from './peers/crash.ts';
import { measure, type Run } from './peers/measure.ts';
import type { Peer } from './peers/peer.ts';
import { render } from './peers/render.ts';
import { newSession, type Session, save } from './peers/results.ts';
import { Stand } from './peers/stand.ts';
import { tables } from './peers/tables.ts';
import { WORKS, type Work, work } from './peers/works.ts';

const { values } = parseArgs({
  options: {
    work: { type: 'string' },
    peers: { type: 'string' },
    reps: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    part: { type: 'string', default: '1' },
  },
});

if (values.render) {
  render();
  process.exit(0);
}

const say = (line: string): void => console.error(line);
const part = Number(values.part);
const works = (values.work === undefined ? WORKS : values.work.split(',').map(work)).map(partOf);
const session = newSession(Number(values.reps), part);
const peers = await installed(chosen(values.peers), session);
const stand = await Stand.start();
try {
  for (let round = 1; round <= session.repetitions; round += 1) {
    for (const one of works) {
      for (const peer of peers) {
        if (peer.works.includes(one.id)) await turn(peer, one, round);
      }
    }
  }
} finally {
  await stand.stop();
}
if (values.json) console.log(JSON.stringify(session));
else print(session);
process.exitCode = session.runs.some((run) => isOurs(run.peer) && !clean(run)) ? 1 : 0;

async function installed(wanted: readonly Peer[], into: Session): Promise<Peer[]> {
  const there: Peer[] = [];
  for (const peer of wanted) {
    const { settings } = peer;
    try {
      into.peers[peer.id] = { settings, versions: await peer.install() };
      there.push(peer);
    } catch (error) {
      const missing = error instanceof Error ? error.message : String(error);
      into.peers[peer.id] = { settings, missing };
      say(`${peer.id} is missing: ${missing}`);
    }
  }
  return there;
}

async function turn(peer: Peer, one: Work, round: number): Promise<void> {
  if (one.id === 'crash') {
    // One run each: it is about what happens, not about how fast.
    if (round > 1) return;
    const run = await crash(peer, one, stand);
    session.crashes.push(run);
    say(JSON.stringify(run));
  } else {
    const run = await measure(peer, one, stand);
    session.runs.push(run);
    say(line(run));
  }
  session.postgres = stand.postgresVersion;
  if (values.save) save(session);
}

function partOf(one: Work): Work {
  const { dataset, narrowRecords } = one;
  return {
    ...one,
    dataset: { ...dataset, records: Math.round(dataset.records * part) },
    ...(narrowRecords !== undefined && { narrowRecords: Math.round(narrowRecords * part) }),
  };
}

function line({ peer, work: id, result, missing, noise }: Run): string {
  if (result === null) return `${id} ${peer}: no result; ${noise?.join(' | ') ?? ''}`;
  const { perSecond, p99Ms, rssMb, doubled, outOfOrder, overlapping } = result;
  const speed = id === 'W4' ? `p99 ${p99Ms} ms` : `${Math.round(perSecond).toLocaleString('en-US')}/s`;
  return `${id} ${peer}: ${speed}, ${rssMb} MB; missing ${missing}, doubled ${doubled}, out of order ${outOfOrder}, overlapping ${overlapping}`;
}

function clean({ result, missing }: Run): boolean {
  if (result === null) return false;
  return missing + result.doubled + result.outOfOrder + result.overlapping === 0;
}

function print(all: Session): void {
  const { machine, commit, kafka, postgres } = all;
  console.log(
    `${machine.cores} cores ${machine.cpu}, ${machine.memoryGiB} GiB, Node ${machine.node}, Kafka ${kafka}, Postgres ${postgres ?? 'not used'}, Signalbox ${commit}`,
  );
  for (const { work: id, what, columns, rows } of tables([all])) {
    console.log(`\n${id}: ${what}`);
    console.table(
      rows.map((row) => Object.fromEntries(row.map((cell, index) => [columns[index] ?? '', cell]))),
    );
  }
}
