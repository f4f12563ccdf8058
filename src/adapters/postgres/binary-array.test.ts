import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { type TestPostgres, testPostgres } from '../../../test/fixtures/postgres.ts';
import {
  asciiArray,
  boolArray,
  byteaArray,
  int4Array,
  int8Array,
  textArray,
  timeArray,
  tokenArray,
} from './binary-array.ts';

let server: TestPostgres;
let client: pg.Client;

before(async () => {
  server = await testPostgres();
  client = new pg.Client(server);
  await client.connect();
});

after(async () => {
  await client.end();
  await server.stop();
});

/** What Postgres reads, as JSON: numbers beyond doubles as text. */
async function read(type: string, parameter: Buffer | null): Promise<unknown> {
  const { rows } = await client.query<{ value: unknown }>(`select to_json($1::${type}[]::text[]) as value`, [
    parameter,
  ]);
  return rows[0]?.value;
}

interface Column<T> {
  readonly type: string;
  readonly value: fc.Arbitrary<T>;
  readonly write: (values: T[]) => Buffer | null;
  readonly text: (value: T) => string | null;
}

function readsBack<T>({ type, value, write, text }: Column<T>): Promise<void> {
  const property = fc.asyncProperty(fc.array(value, { maxLength: 20 }), async (values) => {
    const parameter = write(values);
    const expected = values.map(text);
    // A column without any value is null as a whole.
    if (parameter === null) assert(expected.every((one) => one === null) && expected.length > 0);
    else assert.deepEqual(await read(type, parameter), expected);
  });
  return fc.assert(property, { seed: 1, numRuns: 60 });
}

const plain = (value: unknown) => (value === null ? null : String(value));

test('integers', async () => {
  const int4 = fc.option(fc.integer());
  await readsBack({ type: 'int4', value: int4, write: int4Array, text: plain });
  await readsBack({ type: 'int8', value: fc.option(fc.maxSafeInteger()), write: int8Array, text: plain });
});

test('tokens up to 2^63 - 1', async () => {
  const value = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
  await readsBack({ type: 'int8', value, write: tokenArray, text: plain });
  assert.deepEqual(await read('int8', tokenArray(['0', '999999999999999', '9223372036854775807'])), [
    '0',
    '999999999999999',
    '9223372036854775807',
  ]);
});

test('booleans', async () => {
  await readsBack({ type: 'bool', value: fc.boolean(), write: boolArray, text: plain });
});

test('texts', async () => {
  const storable = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\u0000', '').toWellFormed());
  await readsBack({ type: 'text', value: fc.option(storable), write: textArray, text: plain });
  const id = fc.option(fc.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/));
  await readsBack({ type: 'text', value: id, write: asciiArray, text: plain });
});

test('bytes', async () => {
  const value = fc.option(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const text = (bytes: string | null) =>
    bytes === null ? null : `\\x${Buffer.from(bytes, 'latin1').toString('hex')}`;
  await readsBack({ type: 'bytea', value, write: byteaArray, text });
});

test('times to the millisecond, from 1970 to 9999', async () => {
  await client.query("set timezone = 'UTC'");
  const value = fc.option(fc.integer({ min: 0, max: 253_402_300_799_999 }));
  const property = fc.asyncProperty(fc.array(value, { maxLength: 20 }), async (values) => {
    const { rows } = await client.query<{ ms: string | null }>(
      'select round(extract(epoch from t) * 1000)::text as ms from unnest($1::timestamptz[]) with ordinality u (t, n) order by n',
      [timeArray(values)],
    );
    assert.deepEqual(
      rows.map(({ ms }) => ms),
      values.map(plain),
    );
  });
  await fc.assert(property, { seed: 1, numRuns: 60 });
});
