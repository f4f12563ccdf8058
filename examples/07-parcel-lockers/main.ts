/**
 * Parcel lockers instead of cash: the participant of config.ts beside it. The rules and the wire are those of
 * example 05; only the machine is another.
 *
 *   PORT=8090 DATABASE=lockers.db node examples/07-parcel-lockers/main.ts
 *   npx signalbox run --config examples/07-parcel-lockers/config.ts
 *   npx signalbox send BER-01 deposit '{"parcel":"p1","size":"S","code":"4711"}' --config …
 */
import { DatabaseSync } from 'node:sqlite';
import type { Answer, Work } from '../05-http-participant/contract.ts';
import { serve } from '../05-http-participant/http.ts';
import { participant } from '../05-http-participant/participant.ts';

const { PORT = '8090', DATABASE = 'lockers.db', JAMMED = '' } = process.env;

const bank = new DatabaseSync(DATABASE);
bank.exec(`create table if not exists compartments (location, number integer, size, parcel, code, taken_by,
  primary key (location, number))`);
const build = bank.prepare('insert or ignore into compartments (location, number, size) values (?, ?, ?)');
const holding = bank.prepare('select * from compartments where location = ? and parcel = ?');
const take = bank.prepare(`update compartments set parcel = $parcel, code = $code, taken_by = $by
  where location = $location and number = (select min(number) from compartments
    where location = $location and size = $size and parcel is null) returning number, taken_by`);
const giveBack = bank.prepare(
  'update compartments set parcel = null, code = null where location = ? and taken_by = ?',
);
const empty = bank.prepare(
  'update compartments set parcel = null, code = null where location = ? and parcel = ?',
);

const SIZES = ['S', 'L'];
const transactionOf = (key: string): string => key.split(':')[0] ?? '';
const done = (evidence: Readonly<Record<string, unknown>>): Answer => ({ outcome: 'done', evidence });
const refused = (reason: string): Answer => ({ outcome: 'refused', reason });

/** Each by what is in the compartments, so that one that comes again after a restart finds itself done. */
const steps: Readonly<Record<string, (work: Work, parcel: string) => Answer>> = {
  reserve: ({ key, location, data }, parcel) => {
    for (const [index, size] of SIZES.entries()) build.run(location, index + 1, size);
    const { size = 'S', code = '' } = data as { readonly size?: string; readonly code?: string };
    const by = transactionOf(key);
    const found = holding.get(location, parcel) ?? take.get({ location, size, parcel, code, by });
    if (found === undefined) return refused(`no ${size} is free`);
    return found.taken_by === by ? done({ compartment: found.number }) : refused(`${parcel} is here already`);
  },
  check: ({ location, data }, parcel) => {
    const found = holding.get(location, parcel);
    return found?.code === data.code ? done({ compartment: found?.number }) : refused('wrong parcel or code');
  },
  open: ({ location }, parcel) => {
    const door = holding.get(location, parcel)?.number;
    return door === undefined || String(door) === JAMMED
      ? refused(`door ${door} does not open`)
      : done({ door });
  },
  free: ({ location }, parcel) => {
    empty.run(location, parcel);
    return done({});
  },
};

const execute = async (work: Work): Promise<Answer> =>
  steps[work.step]?.(work, String(work.data.parcel)) ?? refused(`no step ${work.step}`);

async function reverse({ key, step, location }: Work): Promise<Answer> {
  if (step === 'open') return refused('what was opened was open');
  if (step === 'reserve') giveBack.run(location, transactionOf(key));
  return { outcome: 'reversed' };
}

serve(Number(PORT), participant(DATABASE, { execute, reverse }));
