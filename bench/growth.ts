/**
 * What growth costs: commits over many locations and beside many parked rows; the start of a worker and what people read
 * with many finals in the ledger.
 *
 *   npm run bench -- growth [--finals 10000000] [--parked 1000000] [--locations 100000] [--transactions 100000]
 *                           [--rounds 3] [--part cost,finals] [--plans folder] [--json]
 *
 * `cost`: CPU time of a transaction, backends and client together, by commits back to back at 1,000 locations, at many,
 * and at 1,000 beside the parked rows: in rounds one after the other, the medians compared.
 * `finals`: 64 partitions with the finals, 2,000 holders and 20,000 parked rows. Postgres starts with nothing in its own
 * memory (what the system caches stays); a worker takes every partition over; then each read for the first time, and the
 * median of five more. With --plans the plan of each read as it ran goes into that folder. Ten million need 10 GB.
 */
import { parseArgs } from 'node:util';
import { ownPostgres } from '../test/fixtures/postgres.ts';
import { costOfGrowth } from './growth/cost.ts';
import { withFinals } from './growth/finals.ts';
import { machine } from './machine.ts';

const { values } = parseArgs({
  options: {
    finals: { type: 'string', default: '10000000' },
    parked: { type: 'string', default: '1000000' },
    locations: { type: 'string', default: '100000' },
    transactions: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    part: { type: 'string', default: 'cost,finals' },
    plans: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const COST_RATIO_MAX = 1.2;
const TAKE_OVER_MS_MAX = 5_000;
const READ_MS_MAX = 200;

const parts = values.part.split(',');
const server = await ownPostgres();
try {
  const cost = parts.includes('cost')
    ? await costOfGrowth(server, {
        locations: Number(values.locations),
        parked: Number(values.parked),
        transactions: Number(values.transactions),
        rounds: Number(values.rounds),
      })
    : [];
  const finals = parts.includes('finals')
    ? await withFinals(server, { finals: Number(values.finals), plansDirectory: values.plans ?? null })
    : null;
  const kept =
    cost.every(({ ratio }) => ratio <= COST_RATIO_MAX) &&
    (finals === null || finals.takeOverMs <= TAKE_OVER_MS_MAX) &&
    (finals?.reads ?? []).every(({ firstMs }) => firstMs <= READ_MS_MAX);
  if (values.json) console.log(JSON.stringify({ ...machine(), cost, finals, kept }));
  else {
    const { cores, cpu, node } = machine();
    console.log(`${cores} cores ${cpu}, Node ${node}, Postgres with fsync`);
    if (cost.length > 0) console.table(cost);
    if (finals !== null) {
      console.log(
        `${finals.finals} finals, ${finals.gigabytes} GB: all ${finals.partitions} partitions taken over in ` +
          `${finals.takeOverMs} ms (holders ${finals.holders}, parked rows ${finals.parked})`,
      );
      console.table(finals.reads);
    }
    console.log(kept ? 'kept' : 'BROKEN');
  }
  process.exitCode = kept ? 0 : 1;
} finally {
  await server.stop();
}
