/**
 * The API over a real ledger, asked from its own OpenAPI document: every operation with values that fit and with values
 * that do not. No answer is a 500, every refusal is a problem with a code, and every answer is one that is documented.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { PostgresDeadLetterDesk } from '../../src/adapters/postgres/dead-letter-desk.ts';
import { PostgresLists } from '../../src/adapters/postgres/lists.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { PostgresOperations } from '../../src/adapters/postgres/operations.ts';
import { PostgresReadModel } from '../../src/adapters/postgres/read-model.ts';
import { createApi } from '../../src/api/server.ts';
import { discardDeadLetter, findDeadLetter, replayDeadLetter } from '../../src/engine/replay-dead-letter.ts';
import { FakeWorld } from '../fixtures/api-fakes.ts';
import { GROUP, LedgerRows, TOPIC } from '../fixtures/ledger-rows.ts';
import { type TestPostgres, testPostgres } from '../fixtures/postgres.ts';

/** Requests for each operation. */
const RUNS = 120;

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: Schema }[];
  readonly requestBody?: { content: { 'application/json': { schema: Schema } } };
  readonly responses: Readonly<Record<string, unknown>>;
}

let postgres: TestPostgres;
let rows: LedgerRows;
let api: ReturnType<typeof createApi>;
const fake = new FakeWorld();
const closings: (() => Promise<unknown>)[] = [];

before(async () => {
  postgres = await testPostgres();
  const { connectionString } = postgres;
  await migrate({ connectionString });
  rows = await LedgerRows.connect(connectionString);
  await rows.allPartitions({ last_number: 2 });
  await rows.transaction({ id: 'T-1', state: 'held', location: 'ATM-1' });
  await rows.transaction({ id: 'T-2', state: 'completed', location: 'ATM-2' });
  await rows.transaction({ id: 'T-3', state: 'received', location: 'ATM-1', offset: 3 });
  await rows.worker('w', 0);
  await rows.insert('dead_letters', {
    topic_id: 'id',
    topic: TOPIC,
    partition: 0,
    offset: 7,
    code: 'SB-1106',
    detail: 'x',
    value: Buffer.from('{'),
    record_at: new Date(),
    at: new Date(),
    worker: 'w',
    epoch: 1,
  });
  const of = { connectionString, topic: TOPIC, group: GROUP };
  const read = new PostgresReadModel(of);
  const lists = new PostgresLists(of);
  const operations = new PostgresOperations(of);
  const desk = new PostgresDeadLetterDesk(of);
  closings.push(...[read, lists, operations, desk].map((each) => () => each.close()));
  fake.nowMs = Date.now();
  // Waiting for a decision that nobody carries out takes no time here.
  const world = {
    ...fake.world,
    after: (ms: number, run: () => void) => {
      fake.nowMs += ms;
      setImmediate(run);
      return { cancel: () => undefined };
    },
  };
  const doors = fake.doors();
  api = createApi({
    ...doors,
    world,
    read,
    lists,
    operations,
    deadLetters: {
      find: (at) => findDeadLetter(at, desk),
      replay: (replay) =>
        replayDeadLetter(replay, { ...doors, desk, nowMs: Date.now(), dedupeWindowMs: 1e10 }),
      discard: (discarded) => discardDeadLetter(discarded, desk),
    },
  });
});

after(async () => {
  await api?.close();
  await Promise.all(closings.map((close) => close()));
  await rows?.end();
  await postgres?.stop();
});

/** Values that are in the ledger, so that not every question is about nothing. */
const KNOWN = ['T-1', 'T-2', 'T-3', 'ATM-1', 'ATM-2', 'ATM-*', '0', '7', '1', 'SB-1106', 'SB-4101'];

const garbage = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\u{fffd}',
    "'; drop table x; --",
    '../..',
    '%00',
    '-1',
    '1e99',
    'NaN',
    'null',
    '٣',
  ),
  fc.integer().map(String),
  fc.double().map(String),
);

/** Values of the schema, nearly always; in a query and a path everything is text. */
function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fitting));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -9, max: Math.min(schema.maximum ?? 1e9, 1e15) });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(fitting(schema.items ?? {}), { maxLength: 4 });
    case 'object':
      return objects(schema);
    case 'string':
      return fc.oneof(
        fc.constantFrom(...KNOWN),
        schema.pattern === undefined
          ? fc.string({ maxLength: 30 })
          : fc.stringMatching(new RegExp(schema.pattern)),
      );
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objects({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, sometimes(schema)]),
  );
  return fc.record(fields, { requiredKeys: required.filter((name) => Object.hasOwn(fields, name)) });
}

/** Now and then something else. */
function sometimes(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 4, arbitrary: fitting(schema) }, { weight: 1, arbitrary: garbage });
}

async function operations(): Promise<Operation[]> {
  const document = (await api.inject('/v1/openapi.json')).json() as {
    paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
}

function requests({ method, path, parameters, requestBody }: Operation) {
  const values = fc.record(
    Object.fromEntries(parameters.map(({ name, schema }) => [name, sometimes(schema)])),
    {
      requiredKeys: parameters.filter(({ required }) => required).map(({ name }) => name),
    },
  );
  const schema = requestBody?.content['application/json'].schema;
  const payload =
    schema === undefined
      ? fc.constant(undefined)
      : fc.oneof(
          { weight: 6, arbitrary: sometimes(schema).map((body) => JSON.stringify(body) ?? '') },
          { weight: 1, arbitrary: garbage },
        );
  return fc.tuple(values, payload).map(([found, body]) => {
    const given = found as Readonly<Record<string, unknown>>;
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(given[name]));
    const asked = parameters.filter(({ in: place, name }) => place === 'query' && given[name] !== undefined);
    const search = asked.map(({ name }) => `${name}=${encoded(given[name])}`).join('&');
    return { method, url: search === '' ? url : `${url}?${search}`, body };
  });
}

/** Lone surrogates cannot be sent at all. */
function encoded(value: unknown): string {
  return encodeURIComponent(String(value).toWellFormed());
}

describe('the API from its own document', () => {
  it('names operations to ask', async () => {
    assert.ok((await operations()).length > 25);
  });

  it('never answers 500, and only what is documented', async () => {
    let asked = 0;
    const statuses = new Map<number, number>();
    for (const operation of await operations()) {
      await fc.assert(
        fc.asyncProperty(requests(operation), async ({ method, url, body }) => {
          const answer = await api.inject({
            method: method as 'GET',
            url,
            headers: { 'content-type': 'application/json' },
            ...(body === undefined ? {} : { payload: body }),
          });
          asked += 1;
          statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
          const what = `${method} ${url} ${body ?? ''}: ${answer.statusCode} ${answer.body.slice(0, 400)}`;
          assert.ok(answer.statusCode < 500, what);
          if (answer.statusCode >= 400) {
            assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, what);
            assert.match(answer.json().code, /^SB-\d{4}$/, what);
            // An address that does not lead to the operation is nobody's.
            const elsewhere = ['SB-6001', 'SB-6018'].includes(answer.json().code);
            assert.ok(elsewhere || String(answer.statusCode) in operation.responses, what);
          }
        }),
        { numRuns: RUNS },
      );
    }
    assert.deepEqual(fake.defects.map(String), []);
    assert.ok(asked > 2_000);
    assert.ok((statuses.get(200) ?? 0) > 500, JSON.stringify([...statuses]));
  });
});
