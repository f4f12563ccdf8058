/**
 * Nothing is lost on bad input: each kind of bad record becomes a dead letter with its coordinates, code and bytes,
 * and the good records between them, at the same locations, are all carried out.
 */
import assert from 'node:assert/strict';
import type { Evidence, TopicRecord } from '../../src/checkers/evidence.ts';
import { type ByteString, byteString } from '../../src/core/byte-string.ts';
import { BAD_RECORDS, type BadRecord, TOO_OLD, UNKNOWN_TYPE } from '../rig/bad-records.ts';
import { assertKept, judge, summaryOf } from '../rig/judge.ts';
import type { Stage } from '../rig/stage.ts';
import { stageTest } from '../rig/stage-test.ts';
import { locationName, type PlannedRecord } from '../rig/workload.ts';

const LOCATIONS = 12;
const PARTITIONS = 4;
const SETTLE_MS = 60_000;

const ALL: readonly BadRecord[] = [...BAD_RECORDS, UNKNOWN_TYPE, TOO_OLD];

interface StoredLetter {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly code: string;
  readonly detail: string;
  readonly id: string | null;
  readonly location: string | null;
}

const transaction = (id: string, location: string, value: object, kind: PlannedRecord['kind']) => ({
  kind,
  bad: null,
  id,
  location,
  record: { key: location, value: Buffer.from(JSON.stringify(value)).toString('latin1') },
});

/** At each location: a good one, a bad one, a good one, a duplicate of it, a conflict with it, again and again. */
function workload(): PlannedRecord[] {
  return ALL.flatMap((bad, index) => {
    const location = locationName(index % LOCATIONS);
    const good = (id: string, data: object = { n: index }) => ({ id, type: 'apply', data });
    const before = `before-${index}`;
    const behind = `behind-${index}`;
    return [
      transaction(before, location, good(before), 'transaction'),
      { kind: 'bad' as const, bad, id: `bad-${index}`, location, record: bad.make(location, `bad-${index}`) },
      transaction(behind, location, good(behind, { a: index, b: 'ä' }), 'transaction'),
      transaction(behind, location, { data: { b: 'ä', a: index }, type: 'apply', id: behind }, 'duplicate'),
      transaction(behind, location, good(behind, { a: -1 }), 'conflict'),
    ];
  });
}

/** The same ids at other locations, thus in other partitions: sent when the ledger holds the first ones. */
function elsewhere(planned: readonly PlannedRecord[]): PlannedRecord[] {
  return planned
    .filter(({ id }) => id.startsWith('before-'))
    .map((plan) => {
      const location = `${plan.location}-other`;
      return { ...plan, kind: 'conflict', location, record: { ...plan.record, key: location } };
    });
}

stageTest(
  'bad records: each becomes a dead letter, the good ones are carried out, duplicates are counted',
  {
    partitions: PARTITIONS,
    site: ['--delay-ms', '1-10'],
    configFile: new URL('../rig/apply-only.config.json', import.meta.url).pathname,
    knownType: (type) => type === 'apply',
    topicConfigs: { 'retention.ms': '-1' },
  },
  async (stage, context) => {
    await stage.fleet.start('w1', 'w2');
    const first = workload();
    const second = elsewhere(first);
    for (const part of [first, second]) {
      await stage.produce(part, 1_000).finished();
      await stage.settle(SETTLE_MS);
    }
    const planned = [...first, ...second];
    const evidence = await stage.collect(0);
    await judgeLetters(stage, planned, evidence);
    judgeGoodOnes(planned, evidence);
    await judgeStatus(stage, planned);
    const found = judge(evidence, ['S14', 'S16', 'L3', 'L6']);
    for (const line of summaryOf(evidence, found)) context.diagnostic(line);
    assertKept(found);
  },
);

/** A record of the topic by what was produced: bytes are enough, each bad one has an id of its own or is unique. */
function recordOf(evidence: Evidence, { record }: PlannedRecord): TopicRecord {
  const same = evidence.records.filter(({ key, value }) => key === record.key && value === record.value);
  assert.equal(same.length, 1, `the record of key ${record.key} is ${same.length} times on the topic`);
  return same[0] as TopicRecord;
}

async function judgeLetters(
  stage: Stage,
  planned: readonly PlannedRecord[],
  evidence: Evidence,
): Promise<void> {
  const letters = await stage.ledger.rows<StoredLetter>(
    `select partition, "offset"::float8 as "offset", key, value, code, detail, id, location
     from signalbox.dead_letters where topic_id = $1`,
    [stage.topic.id],
  );
  const at = new Map(letters.map((letter) => [`${letter.partition}/${letter.offset}`, letter]));
  const expected = planned.filter(({ kind }) => kind === 'bad' || kind === 'conflict');
  assert.equal(letters.length, expected.length);
  for (const plan of expected) {
    const record = recordOf(evidence, plan);
    const name = plan.bad?.kind ?? `conflict of ${plan.id}`;
    const letter = at.get(`${record.partition}/${record.offset}`);
    assert.ok(letter !== undefined, `${name}: no dead letter at ${record.partition}/${record.offset}`);
    assert.equal(letter.code, plan.bad?.code ?? 'SB-1116', `${name}: ${letter.detail}`);
    assert.equal(textOf(letter.key), record.key, `${name}: key`);
    assert.equal(textOf(letter.value), record.value, `${name}: value`);
    if (plan.kind === 'conflict') assert.deepEqual([letter.id, letter.location], [plan.id, plan.location]);
  }
}

function textOf(bytes: Buffer | null): ByteString | null {
  return bytes === null ? null : byteString(bytes);
}

function judgeGoodOnes(planned: readonly PlannedRecord[], evidence: Evidence): void {
  const rows = new Map(evidence.transactions.map((row) => [row.id, row]));
  const good = planned.filter(({ kind }) => kind === 'transaction');
  assert.equal(rows.size, good.length, 'nothing but the good ones has a row');
  for (const { id } of good) assert.equal(rows.get(id)?.state, 'completed', id);
}

interface Counts {
  readonly completed: number;
  readonly rolledBack: number;
  readonly deadLetters: number;
  readonly duplicates: number;
}

/** Contract 14, over the fleet, asked of any worker. */
async function judgeStatus(stage: Stage, planned: readonly PlannedRecord[]): Promise<void> {
  const count = (kind: string): number => planned.filter((plan) => plan.kind === kind).length;
  const answer = await stage.fleet.get('w1', '/v1/status');
  const { completed, rolledBack, deadLetters, duplicates } = (await answer.json()) as Counts;
  assert.deepEqual(
    { completed, rolledBack, deadLetters, duplicates },
    {
      completed: count('transaction'),
      rolledBack: 0,
      deadLetters: count('bad') + count('conflict'),
      duplicates: count('duplicate'),
    },
  );
}
