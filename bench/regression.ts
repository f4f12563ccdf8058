/**
 * Signalbox's hot paths as ratios to fixed baselines, measured in turns in the same process, in less than a minute.
 *
 *   npm run bench -- regression [--rounds 5] [--json] [--write]
 *
 * A ratio is the median of the rounds; a round takes both right after one another, each per second of CPU. A ratio that
 * is more than 30 % below the committed one (bench/results/regression.json) is measured again with as many rounds, and
 * fails when those alone and all of them together say the same. --write commits to what was measured now.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { testPostgres } from '../test/fixtures/postgres.ts';
import { machine } from './machine.ts';
import { median } from './median.ts';
import { type HotPath, hotPaths } from './regression/hot-paths.ts';
import { ledgerPath } from './regression/ledger.ts';

/** A shared machine of two cores moves ratios by less than this. */
const FALL_MAX = 0.3;
const WARM_ROUNDS = 1;
const FILE = fileURLToPath(new URL('./results/regression.json', import.meta.url));

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly baselinePerSecond: number;
  readonly ratio: number;
  readonly committed: number | null;
  readonly fell: boolean;
}

const committed = (values.write ? {} : read()) as Readonly<Record<string, number>>;
const postgres = await testPostgres();
const ledger = await ledgerPath(postgres.connectionString);
const rows: Row[] = [];
try {
  for (const path of [...hotPaths(), ledger]) rows.push(await row(path));
} finally {
  await ledger.close();
  await postgres.stop();
}
if (values.write) {
  const ratios = Object.fromEntries(rows.map(({ name, ratio }) => [name, ratio]));
  writeFileSync(FILE, `${JSON.stringify({ machine: machine(), rounds, ratios }, null, 2)}\n`);
}
if (values.json) console.log(JSON.stringify({ machine: machine(), rounds, rows }));
else console.table(rows);
for (const { name, ratio, committed: before } of rows.filter(({ fell }) => fell))
  console.error(`${name}: ${ratio} of its baseline, more than 30 % below the committed ${before}`);
process.exitCode = rows.some(({ fell }) => fell) ? 1 : 0;

async function row(path: HotPath): Promise<Row> {
  const before = committed[path.name] ?? null;
  // Warm: compiled, and with the pages it needs.
  for (let round = 0; round < WARM_ROUNDS; round += 1) await pair(path);
  const pairs = await measured(path);
  const isLow = (some: readonly Pair[]): boolean =>
    before !== null && ratioOf(some) < (1 - FALL_MAX) * before;
  let fell = false;
  if (isLow(pairs)) {
    const again = await measured(path);
    pairs.push(...again);
    fell = isLow(again) && isLow(pairs);
  }
  return {
    name: path.name,
    perSecond: Math.round(median(pairs.map(({ ours }) => ours))),
    baselinePerSecond: Math.round(median(pairs.map(({ baseline }) => baseline))),
    ratio: ratioOf(pairs),
    committed: before,
    fell,
  };
}

interface Pair {
  readonly ours: number;
  readonly baseline: number;
}

async function measured(path: HotPath): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round += 1) pairs.push(await pair(path));
  return pairs;
}

async function pair(path: HotPath): Promise<Pair> {
  const ours = await path.ours();
  return { ours, baseline: await path.baseline() };
}

function ratioOf(pairs: readonly Pair[]): number {
  return Number(median(pairs.map(({ ours, baseline }) => ours / baseline)).toFixed(3));
}

function read(): unknown {
  return (JSON.parse(readFileSync(FILE, 'utf8')) as { ratios: unknown }).ratios;
}
