/** The examples of docs/reference/records.md are true, and every code of a record has one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ByteString, byteString } from './byte-string.ts';
import { sameContent } from './content.ts';
import { type Decoded, decodeRecord, type RecordInput, type Refused } from './decode.ts';
import { recordErrors } from './errors/record.ts';

const PAGE = readFileSync(new URL('../../docs/reference/records.md', import.meta.url), 'utf8');
const NOW = Date.UTC(2026, 10, 25);

/** Blocks of lines such as `key: atm-042` and `header: ce_id: p-1`. */
function examplesIn(section: string): string[][] {
  return [...section.matchAll(/```\n(.*?)```/gs)].map(([, block = '']) => block.trimEnd().split('\n'));
}

function valuesOf(example: readonly string[], name: string): string[] {
  const lines = example.filter((line) => line.startsWith(`${name}:`));
  return lines.map((line) => line.slice(name.length + 1).trim());
}

function bytesOf(text: string | undefined): ByteString | null {
  assert.ok(text !== undefined);
  if (text === '(none)') return null;
  const size = /^\((\d+) bytes\)$/.exec(text)?.[1];
  if (size !== undefined) return ' '.repeat(Number(size));
  return byteString(Buffer.from(text)).replace(/\\x([0-9a-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function recordOf(example: readonly string[]): RecordInput {
  const [time] = valuesOf(example, 'time');
  const headers = valuesOf(example, 'header').map((line) => {
    const [name = '', ...rest] = line.split(': ');
    return { name, value: Buffer.from(rest.join(': ')) };
  });
  return {
    key: bytesOf(valuesOf(example, 'key')[0]),
    value: bytesOf(valuesOf(example, 'value')[0]),
    headers,
    timestampMs: time === undefined ? NOW : Date.parse(time),
  };
}

function decode(record: RecordInput): Decoded | Refused {
  const dedupeWindowMs = 35 * 24 * 3_600_000;
  return decodeRecord(record, { nowMs: NOW, dedupeWindowMs, knownType: (type) => type === 'payout' });
}

const [good = '', ...refusals] = PAGE.split(/^### /m);

test('the page has a section for each code, in order', () => {
  const codes = refusals.map((section) => section.slice(0, 'SB-1101'.length));
  assert.deepEqual(codes, Object.keys(recordErrors).sort());
});

test('the examples before the dead letters are transactions', () => {
  const examples = examplesIn(good);
  assert.equal(examples.length, 3);
  for (const example of examples) assert.equal(decode(recordOf(example)).ok, true, example.join('\n'));
});

/** Refused for where the record lies, not for what it says: src/adapters/shards. */
const MISPLACED = 'SB-1118';

for (const section of refusals) {
  const code = section.slice(0, 'SB-1101'.length);
  if (code === MISPLACED) continue;
  test(`the example of ${code} is refused with it`, () => {
    const [example, ...more] = examplesIn(section);
    assert.ok(example !== undefined && more.length === 0);
    const record = recordOf(example);
    const result = decode(record);
    if (code !== 'SB-1116') {
      assert.equal(result.ok ? 'ok' : result.code, code);
      return;
    }
    const later = decode({ ...record, value: bytesOf(valuesOf(example, 'then')[0]) });
    assert.ok(result.ok && later.ok);
    assert.equal(sameContent(result.payload, result.location, later.payload, later.location), false);
  });
}
