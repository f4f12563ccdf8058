/**
 * A withdrawal of three steps: the money is reserved, the notes are handed out, the withdrawal is booked. When the machine
 * refuses, the reservation is taken back. Kill it at any time and start it again: each of it happens once.
 *   DATABASE_URL=postgresql://… node examples/04-withdrawal/main.ts
 * Its topic is a table in the same database; with `kafka: { brokers: […] }` it is one of Kafka.
 */
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { createSignalbox, type StepFunctions } from 'signalbox';

const { DATABASE_URL = '' } = process.env;
// A user called signalbox would otherwise find tables of that schema, which is the ledger's, before those of public.
const pool = new pg.Pool({ connectionString: DATABASE_URL, options: '-c search_path=public' });
await pool.query(`
  create table if not exists tills (location text primary key, cents integer not null);
  create table if not exists movements (key text primary key, location text, cents integer, reversed boolean default false);
  insert into tills values ('till-1', 100000) on conflict do nothing`);

// One statement is one transaction: a key is recorded with its movement, so the same key again moves nothing (grade G2).
const MOVE = `with moved as (
    insert into movements (key, location, cents) values ($1, $2, $3) on conflict (key) do nothing returning cents)
  update tills set cents = tills.cents + moved.cents from moved where location = $2`;
// A key that never moved anything leaves a tombstone, so that an attempt that comes late moves nothing either.
const TAKE_BACK = `with back as (
    insert into movements values ($1, $2, 0, true)
    on conflict (key) do update set reversed = true where not movements.reversed returning cents)
  update tills set cents = tills.cents - back.cents from back where location = $2`;

/** A step that moves so many cents for each cent of the withdrawal. */
function moving(factor: number): StepFunctions {
  return {
    execute: async ({ key, location, data }) => {
      const cents = Number(data.cents) * factor;
      await pool.query(MOVE, [key, location, cents]);
      const { rows } = await pool.query('select reversed from movements where key = $1', [key]);
      return rows[0].reversed ? { outcome: 'reversed' } : { outcome: 'done', evidence: { cents } };
    },
    reverse: async ({ key, location }) => {
      await pool.query(TAKE_BACK, [key, location]);
      return { outcome: 'reversed' };
    },
  };
}

const notes = moving(0);
const handOut: StepFunctions = {
  ...notes,
  // Refused before anything happened, and for the same data always: nothing needs to be recorded.
  execute: (call) =>
    Number(call.data.cents) % 2_000 === 0
      ? notes.execute(call)
      : { outcome: 'refused', reason: 'there are only notes of 20' },
};

const steps = [
  { name: 'reserve', participant: 'bank' },
  { name: 'hand-out', participant: 'machine' },
  { name: 'book', participant: 'bank' },
] as const;
const signalbox = createSignalbox({
  ledger: { url: DATABASE_URL },
  participants: {
    bank: { steps: { reserve: moving(-1), book: moving(0) }, capabilities: { replay: true } },
    machine: { steps: { 'hand-out': handOut }, capabilities: { replay: true } },
  },
  types: { withdrawal: { steps } },
});
await signalbox.start();
await signalbox.submit({ id: 'w-1', type: 'withdrawal', location: 'till-1', data: { cents: 4_000 } });
await signalbox.submit({ id: 'w-2', type: 'withdrawal', location: 'till-1', data: { cents: 1_500 } });
for (const id of ['w-1', 'w-2']) {
  let found = await signalbox.transaction(id);
  for (; !found?.finishedAt; found = await signalbox.transaction(id)) await setTimeout(100);
  console.log(id, found.state, found.reason ?? '');
}
console.log('in the till:', (await pool.query('select cents from tills')).rows[0].cents);
await signalbox.stop();
await pool.end();
