/**
 * Scale on paper: what a rate needs, from the costs that `durable` and `ledger` print. No measurement of its own.
 *
 *   npm run bench -- scale [--worker 78] [--ledger 82] [--wal 1850] [--row 1000] [--cores 16] [--walRate 300]
 *                          [--busy 0.7] [--step 500] [--commit 20] [--json]
 *
 * worker, ledger: CPU time of a transaction in µs, in the worker's process and in Postgres; wal, row: bytes of WAL and of
 * storage (row and indexes) a transaction; cores and walRate: of one ledger server, and MB/s that its disk and replica
 * take; busy: share of a core that may be used; step and commit: how long a step and a ledger commit take, in ms.
 */
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    worker: { type: 'string', default: '78' },
    ledger: { type: 'string', default: '82' },
    wal: { type: 'string', default: '1850' },
    row: { type: 'string', default: '1000' },
    cores: { type: 'string', default: '16' },
    walRate: { type: 'string', default: '300' },
    busy: { type: 'string', default: '0.7' },
    step: { type: 'string', default: '500' },
    commit: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const RATES = [10_000, 100_000, 1_000_000];
/** A worker commits on two connections, each of partitions of its own. */
const PARTITIONS_A_WORKER = 2;
const SECONDS_A_DAY = 86_400;

interface Need {
  readonly perSecond: number;
  readonly workers: number;
  readonly partitions: number;
  readonly ledgerCores: number;
  readonly walMbPerSecond: number;
  readonly shards: number;
  readonly locationsMin: number;
  readonly storageGbPerDay: number;
}

const amount = (name: keyof typeof values): number => Number(values[name]);

function needOf(perSecond: number): Need {
  const busy = amount('busy');
  // A worker is one process with one thread.
  const workers = Math.ceil((perSecond * amount('worker')) / 1e6 / busy);
  const ledgerCores = Math.ceil((perSecond * amount('ledger')) / 1e6 / busy);
  const walMbPerSecond = Math.ceil((perSecond * amount('wal')) / 1e6);
  const shards = Math.max(
    Math.ceil(ledgerCores / amount('cores')),
    Math.ceil(walMbPerSecond / amount('walRate')),
  );
  return {
    perSecond,
    workers,
    partitions: workers * PARTITIONS_A_WORKER,
    ledgerCores,
    walMbPerSecond,
    shards,
    // A location is busy for one step and the commit around it.
    locationsMin: Math.ceil((perSecond * (amount('step') + amount('commit'))) / 1000),
    storageGbPerDay: Math.round((perSecond * SECONDS_A_DAY * amount('row')) / 1e9),
  };
}

const needs = RATES.map(needOf);
if (values.json) console.log(JSON.stringify(needs));
else console.table(needs);
