/**
 * Books each result once, whatever happens: results come at least once (a new owner of a partition publishes again
 * what may not have arrived), and a consumer may die between booking and committing its offset.
 *
 * The booking and what it is recognised by are one statement in one database, so there is nothing to get out of step:
 * `id` alone decides. The result's own number tells in logs which of them came again.
 *
 *   KAFKA_BROKERS=127.0.0.1:9092 DATABASE_URL=postgresql://… node examples/09-results-consumer/main.ts
 */
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';

const { KAFKA_BROKERS = '127.0.0.1:9092', DATABASE_URL, TOPIC = 'transactions.results' } = process.env;

interface Result {
  readonly id: string;
  readonly location: string;
  readonly outcome: 'completed' | 'rolled_back';
  readonly reason?: string | null;
  readonly finishedAt: string;
}

const database = new pg.Pool({ connectionString: DATABASE_URL });
await database.query(`create table if not exists bookings (
  id text primary key, location text not null, outcome text not null, reason text, finished_at timestamptz not null)`);

const BOOK = `insert into bookings (id, location, outcome, reason, finished_at) values ($1, $2, $3, $4, $5)
  on conflict (id) do nothing`;

/** True the first time. */
async function book({ id, location, outcome, reason = null, finishedAt }: Result): Promise<boolean> {
  const { rowCount } = await database.query(BOOK, [id, location, outcome, reason, finishedAt]);
  return rowCount === 1;
}

const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: 'bookings', sessionTimeout: 10_000 });
await consumer.connect();
await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    const number = String(message.headers?.['signalbox-result-id']);
    const result = JSON.parse(String(message.value)) as Result;
    // When this throws the message is delivered again, and nothing was booked.
    const isNew = await book(result);
    console.log(isNew ? 'booked ' : 'again  ', number, result.id, result.outcome);
  },
});

process.once('SIGTERM', () => void consumer.disconnect().then(() => database.end()));
