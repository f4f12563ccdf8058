/**
 * Makes and brings up to date what the embedded log has in the database: schema `signalbox_log`, and topics.
 *
 * SC1 May be run by several processes at once on an empty database: who comes second waits or tries again.
 * SC2 A migration that was released is never edited; a change is a new file at the end of the list.
 */
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { assert, SignalboxError } from '../../core/errors/catalogue.ts';
import type { Topic } from '../../engine/ports.ts';
import { type Database, type Statement, sqlState } from './database.ts';

/** In order; the number of a migration is its place, from 1. */
const MIGRATIONS = ['0001_records.sql', '0002_group.sql', '0003_retention.sql'] as const;

/** How Postgres refuses one of two who make the same thing at once: each time somebody else got further. */
const MADE_AT_ONCE = new Set(['23505', '42P06', '42P07', '42710', 'XX000', '40P01']);
/** More than processes that start together; each loss means that another one won. */
const TRIES_MAX = 20;

const APPLIED: Statement = {
  name: 'signalbox_log_applied',
  text: `SELECT CASE WHEN to_regclass('signalbox_log.migrations') IS NULL THEN 0 ELSE 1 END AS made`,
};
const NUMBER: Statement = {
  name: 'signalbox_log_number',
  text: 'SELECT coalesce(max(number), 0) AS number FROM signalbox_log.migrations',
};
const ENSURE_TOPIC: Statement = {
  name: 'signalbox_log_ensure_topic',
  text: 'SELECT number, name, id, partitions FROM signalbox_log.ensure_topic($1, $2)',
};

/** A topic as the tables know it. */
export interface StoredTopic extends Omit<Topic, 'retentionMs'> {
  /** Key of its rows. */
  readonly number: number;
}

/** Throws SB-2004 when a newer version of Signalbox has migrated it. */
export async function migrate(database: Database): Promise<void> {
  for (let tries = 1; (await appliedNumber(database)) < MIGRATIONS.length; tries += 1) {
    try {
      await database.transaction(applyMissing);
    } catch (error) {
      const cause = error instanceof SignalboxError ? error.cause : error;
      if (tries >= TRIES_MAX || !MADE_AT_ONCE.has(sqlState(cause) ?? '')) throw error;
    }
  }
}

async function appliedNumber(database: Database): Promise<number> {
  const [schema] = await database.query<{ made: number }>(APPLIED, []);
  if (schema?.made !== 1) return 0;
  const [last] = await database.query<{ number: number }>(NUMBER, []);
  const number = last?.number ?? 0;
  if (number > MIGRATIONS.length) {
    throw new SignalboxError('SB-2004', `schema signalbox_log has migration ${number}`, { final: true });
  }
  return number;
}

async function applyMissing(client: pg.ClientBase): Promise<void> {
  await client.query(await readSql('sql/lock-migrations.sql'));
  const { rows } = await client.query<{ number: number }>(NUMBER.text);
  const applied = rows[0]?.number ?? 0;
  for (const [index, file] of MIGRATIONS.entries()) {
    if (index < applied) continue;
    await client.query(await readSql(`migrations/${file}`));
    await client.query('INSERT INTO signalbox_log.migrations (number) VALUES ($1)', [index + 1]);
  }
}

function readSql(path: string): Promise<string> {
  return readFile(new URL(path, import.meta.url), 'utf8');
}

/** Finds the topic, or makes it with that many partitions. One that exists keeps the number it has. */
export async function ensureTopic(
  database: Database,
  name: string,
  partitions: number,
): Promise<StoredTopic> {
  const [topic] = await database.query<{ number: number; name: string; id: string; partitions: number }>(
    ENSURE_TOPIC,
    [name, partitions],
  );
  assert(topic !== undefined, 'ensure_topic answers the topic');
  return topic;
}
