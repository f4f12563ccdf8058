/**
 * Tries the package on other runtimes than the one the tests use, as a user would: the tarball that npm would publish,
 * installed into an empty folder, one program for each entry (tools/runtimes/programs), a real broker and a real Postgres.
 * Prints the table of docs/library/runtimes.md. Not a part of the tests: it fetches half a gigabyte of runtimes.
 *
 *   npm run runtimes                all of them
 *   npm run runtimes -- 'Bun'       those whose name and version hold the text
 *
 * RT1 A trial passes only if its program ends by itself with 0, and what it must leave behind is there, seen from outside:
 *     the offsets of its group, the dead letter, the states in the ledger. One that fails at an entry fails the run; the
 *     command line is of Node.js alone.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { machine } from '../bench/machine.ts';
import { partitionOf } from '../src/core/murmur2.ts';
import { testKafka, topicName } from '../test/fixtures/kafka.ts';
import { ownPostgres } from '../test/fixtures/postgres.ts';
import { BrokerClient, type RecordToProduce, type TopicFacts } from '../test/rig/broker-client.ts';
import { installPackage, type Runtime, runtimes } from './runtimes/install.ts';

/** A trial takes a few seconds; one that takes this long hangs. */
const TRIAL_MS_MAX = 90_000;
const PARTITIONS = 4;
const RECORDS = 2_000;
const KEYS = 50;
const TRANSACTIONS = 70;

interface Doors {
  /** The folder where the package is installed. */
  readonly user: string;
  readonly brokers: string;
  readonly client: BrokerClient;
  /** Makes an empty database, and says its address. */
  readonly database: () => Promise<string>;
}

/** Resolves to what the program said. Throws when it failed, or when what it left behind is not what it must be. */
type Trial = (runtime: Runtime, doors: Doors) => Promise<string>;

const COMMAND = 'signalbox sim';
export const TRIALS: Readonly<Record<string, Trial>> = {
  'signalbox/lanes': (runtime, { user }) => run(runtime, user, ['lanes.ts']),
  'signalbox/consumer': tryConsumer,
  signalbox: tryTransactions,
  'signalbox/testing': (runtime, { user }) => run(runtime, user, ['testing.ts']),
  [COMMAND]: (runtime, { user }) =>
    run(runtime, user, [
      join('node_modules', 'signalbox', 'bin', 'signalbox.js'),
      'sim',
      '--config=none',
      '--seeds=20',
    ]),
};

/** The last line that the program printed. Rejects with the end of its output when it does not end well. */
function run(
  runtime: Runtime,
  user: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [program, ...before] = runtime.command;
  const options = { cwd: user, env: { ...process.env, NO_COLOR: '1', ...env }, timeout: TRIAL_MS_MAX };
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...before, ...args],
      { ...options, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout.trim().split('\n').at(-1) ?? '');
        else reject(new Error(error.killed ? `does not end: ${stderr}` : stderr || stdout, { cause: error }));
      },
    );
  });
}

async function tryConsumer(runtime: Runtime, { user, brokers, client }: Doors): Promise<string> {
  const topic = await client.createTopic({ name: topicName(), partitions: PARTITIONS });
  const dead = await client.createTopic({ name: topicName(), partitions: 1 });
  await produce(client, topic);
  const env = { BROKERS: brokers, TOPIC: topic.name, DEAD_TOPIC: dead.name, GROUP: topic.name };
  const said = await run(runtime, user, ['consumer.ts'], { ...env, RECORDS: `${RECORDS}` });
  const [ends, committed, letters] = await Promise.all([
    client.endOffsets(topic),
    client.groupOffsets(topic.name, topic.name),
    client.endOffsets(dead),
  ]);
  for (const [partition, end] of ends)
    if (committed.get(partition) !== end)
      throw new Error(`partition ${partition}: ${committed.get(partition)} of ${end} is committed`);
  if (letters.get(0) !== 1) throw new Error(`${letters.get(0)} dead letters instead of 1`);
  return said;
}

/** Records of all keys in turn, and one that is no JSON. */
async function produce(client: BrokerClient, { name, partitions }: TopicFacts): Promise<void> {
  const batches = Array.from({ length: partitions }, (): RecordToProduce[] => []);
  for (let number = 0; number < RECORDS; number += 1) {
    const key = `key-${number % KEYS}`;
    batches[partitionOf(key, partitions)]?.push({ key, value: JSON.stringify({ number }) });
  }
  batches[0]?.push({ key: 'poison', value: '{' });
  for (const [partition, batch] of batches.entries()) await client.produce(name, partition, batch);
}

async function tryTransactions(
  runtime: Runtime,
  { user, brokers, client, database }: Doors,
): Promise<string> {
  const { name } = await client.createTopic({ name: topicName(), partitions: PARTITIONS });
  const ledger = await database();
  const env = { BROKERS: brokers, TOPIC: name, LEDGER: ledger, TRANSACTIONS: `${TRANSACTIONS}` };
  const said = await run(runtime, user, ['transactions.ts'], env);
  const reader = new pg.Client({ connectionString: ledger });
  await reader.connect();
  try {
    const { rows } = await reader.query<{ said: string }>(
      `select count(*) filter (where state = 'completed') || ' completed, '
           || count(*) filter (where state = 'rolled_back') || ' rolled back' as said
         from signalbox.transactions`,
    );
    if (rows[0]?.said !== said) throw new Error(`it says ${said}, the ledger ${rows[0]?.said}`);
  } finally {
    await reader.end();
  }
  return said;
}

async function table(user: string, tried: readonly Runtime[]): Promise<boolean> {
  const kafka = await testKafka();
  if ('skip' in kafka) throw new Error(kafka.skip);
  const postgres = await ownPostgres();
  const client = new BrokerClient(kafka.bootstrap);
  const database = databaseMaker(postgres.connectionString);
  const doors = { user, brokers: kafka.bootstrap, client, database };
  let good = true;
  try {
    for (const runtime of tried) {
      for (const [entry, trial] of Object.entries(TRIALS)) {
        const result = await trial(runtime, doors).then(
          (said) => ({ word: 'works', said }),
          (error: unknown) => ({ word: 'fails', said: reasonOf(error) }),
        );
        good &&= result.word === 'works' || entry === COMMAND;
        console.log(
          `| ${runtime.name} ${runtime.version} | \`${entry}\` | ${result.word} | ${result.said} |`,
        );
      }
    }
  } finally {
    await client.close();
    await postgres.stop();
    await kafka.stop();
  }
  return good;
}

/** The line that names the error, of all that the program wrote before it died; the whole goes to standard error. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  console.error(text);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => line.includes('Error')) ?? lines[0] ?? '';
}

function databaseMaker(server: string): () => Promise<string> {
  let made = 0;
  return async () => {
    made += 1;
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(`CREATE DATABASE trial_${made}`);
    await client.end();
    const url = new URL(server);
    url.pathname = `/trial_${made}`;
    return url.href;
  };
}

async function main(text: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'signalbox-runtimes-'));
  try {
    const tried = await runtimes(text);
    const user = await installPackage(scratch);
    const { cores, memoryGiB, cpu } = machine();
    console.log(`${cores} cores ${cpu}, ${memoryGiB} GiB\n`);
    console.log('| runtime | entry | | it says |\n|---|---|---|---|');
    process.exitCode = (await table(user, tried)) ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) await main(process.argv[2] ?? '');
