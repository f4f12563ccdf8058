/**
 * What parts cost, in µs of CPU, each beside the same without it or made in another way; no broker.
 *
 *   npm run bench -- parts [--part consumer,results,ledger] [--rounds 5] [--json]
 *
 * `consumer`: a record from its batch to the end of its handler, by kind of handler and limit, and the naive map over the same
 * batches. `results`: a record of a result put into a batch. `ledger`: a transaction of the ledger, backends alone, each variant in a
 * database of its own with something dropped by hand. Medians of the rounds with the lowest and the highest, in turns.
 */
import { parseArgs } from 'node:util';
import { machine } from './machine.ts';
import { median } from './median.ts';
import { consumerParts } from './parts/consumer.ts';
import { ledgerParts } from './parts/ledger.ts';
import type { Parts } from './parts/part.ts';
import { resultsParts } from './parts/results.ts';

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'consumer,results,ledger' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});

const ALL: Readonly<Record<string, () => Promise<Parts>>> = {
  consumer: consumerParts,
  results: resultsParts,
  ledger: ledgerParts,
};
const rounds = Number(values.rounds);
const rows: { part: string; name: string; micros: number; least: number; most: number }[] = [];
for (const part of values.part.split(',')) {
  const open = ALL[part];
  if (open === undefined) throw new Error(`no part ${part}: there are ${Object.keys(ALL).join(', ')}`);
  const { parts, close } = await open();
  const measured = parts.map(() => [] as number[]);
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, { run }] of parts.entries()) {
      const micros = await run();
      if (round > 0) measured[index]?.push(micros);
    }
  }
  await close();
  for (const [index, { name }] of parts.entries()) {
    const all = measured[index] ?? [];
    const tenths = (value: number): number => Math.round(10 * value) / 10;
    rows.push({
      part,
      name,
      micros: tenths(median(all)),
      least: tenths(Math.min(...all)),
      most: tenths(Math.max(...all)),
    });
  }
}
if (values.json) console.log(JSON.stringify({ machine: machine(), rounds, rows }));
else console.table(rows);
