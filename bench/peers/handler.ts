/** The handler of a peer on Node: parse, bookkeeping, and what the work asks for. */
import pg from 'pg';
import type { Job } from './job.ts';
import { Tracker } from './tracker.ts';

/** Connections of every peer that commits by itself. */
const CONNECTIONS = 10;

const TABLE = `CREATE TABLE tx (id bigint PRIMARY KEY, location text NOT NULL, state text NOT NULL, amount bigint,
  started timestamptz DEFAULT now(), finished timestamptz)`;
const BEGIN = `INSERT INTO tx (id, location, state, amount) VALUES ($1, $2, 'begun', $3)`;
const FINISH = `UPDATE tx SET state = 'done', finished = now() WHERE id = $1`;

export async function handlerOf(
  job: Job,
  tracker: Tracker,
): Promise<(value: Buffer | string) => void | Promise<void>> {
  const { handlerMs, stuckLocation } = job;
  if (job.work === 'W6' && job.postgresUrl !== null) return committing(job.postgresUrl, tracker);
  if (handlerMs === 0) {
    return (value) => {
      const fields = Tracker.parse(value);
      tracker.start(fields);
      tracker.end(fields);
    };
  }
  return (value) => {
    const fields = Tracker.parse(value);
    tracker.start(fields);
    return new Promise((resolve) => {
      if (fields.location === stuckLocation) return;
      setTimeout(() => {
        tracker.end(fields);
        resolve();
      }, handlerMs);
    });
  };
}

/** Two commits a record: what it takes to know after a crash what was under way. */
async function committing(
  connectionString: string,
  tracker: Tracker,
): Promise<(value: Buffer | string) => Promise<void>> {
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS });
  await pool.query(TABLE);
  return async (value) => {
    const fields = Tracker.parse(value);
    tracker.start(fields);
    await pool.query(BEGIN, [fields.number, fields.location, fields.amount]);
    await pool.query(FINISH, [fields.number]);
    tracker.end(fields);
  };
}
