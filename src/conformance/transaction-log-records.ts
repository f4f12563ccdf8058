/** The contract of TransactionLog: records, positions, offsets, results. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ResultRecord } from '../engine/ports.ts';
import type { ProducedRecord } from './transaction-log-fixture.ts';
import { numbered, type Scene, until } from './transaction-log-scene.ts';

export interface Check {
  readonly name: string;
  readonly partitions: number;
  readonly run: (scene: Scene) => Promise<void>;
  /** The hook of the fixture it needs. */
  readonly needs?: 'killLog' | 'cutOff' | 'restartBroker';
}

const MIB = 1024 * 1024;

async function everyRecordInOrder(scene: Scene): Promise<void> {
  const produced = Array.from({ length: 900 }, (_, index): ProducedRecord => {
    return { partition: index % 3, key: `atm-${index % 17}`, value: `value ${index}` };
  });
  await scene.fixture.produce(scene.topic, produced.slice(0, 450));
  const member = await scene.join();
  await scene.received(member, 450);
  await scene.fixture.produce(scene.topic, produced.slice(450));
  await scene.received(member, 900);
  for (let partition = 0; partition < 3; partition += 1) {
    const expected = produced.filter((record) => record.partition === partition);
    assert.deepEqual(
      member.valuesOf(partition),
      expected.map(({ value }) => value),
    );
    const keys = member.received
      .filter((record) => record.partition === partition)
      .map(({ key }) => String(key));
    assert.deepEqual(
      keys,
      expected.map(({ key }) => key),
    );
  }
}

async function everyByteOfARecord(scene: Scene): Promise<void> {
  const wild = Buffer.from([0, 255, 254, 10, 0xc3, 0x28]);
  const before = Date.now();
  await scene.fixture.produce(scene.topic, [
    { partition: 0, key: null, value: 'no key' },
    { partition: 0, key: 'no value', value: null },
    { partition: 0, key: '', value: '' },
    { partition: 0, key: wild, value: wild },
    {
      partition: 0,
      key: 'k',
      value: 'v',
      headers: [
        ['one', 'first'],
        ['none', null],
        ['one', wild],
        ['ü', 'ß'],
      ],
    },
  ]);
  const member = await scene.join();
  await scene.received(member, 5);
  const [noKey, noValue, empty, bytes, headed] = member.received;
  assert.equal(noKey?.key, null);
  assert.equal(String(noKey?.value), 'no key');
  assert.equal(String(noValue?.key), 'no value');
  assert.equal(noValue?.value, null);
  assert.equal(empty?.key?.length, 0);
  assert.equal(empty?.value?.length, 0);
  assert.deepEqual([bytes?.key, bytes?.value], [wild, wild]);
  assert.deepEqual(noKey?.headers, []);
  assert.deepEqual(
    headed?.headers.map(({ name, value }) => [name, value]),
    [
      ['one', Buffer.from('first')],
      ['none', null],
      ['one', wild],
      ['ü', Buffer.from('ß')],
    ],
  );
  for (const { timestamp } of member.received)
    assert.ok(Math.abs(timestamp - before) < 60_000, `time ${timestamp}`);
}

async function largeRecords(scene: Scene): Promise<void> {
  const large = randomBytes(MIB);
  const partitions = [0, 1, 2];
  for (const partition of partitions) {
    await scene.produce(partition, numbered('before', 20));
    await scene.fixture.produce(scene.topic, [{ partition, key: 'atm-1', value: large }]);
    await scene.produce(partition, numbered('after', 20));
  }
  const member = await scene.join();
  await scene.received(member, 3 * 41);
  for (const partition of partitions) {
    const values = member.received
      .filter((record) => record.partition === partition)
      .map(({ value }) => value);
    assert.equal(values.length, 41);
    assert.ok(values[20]?.equals(large), 'the large record has its bytes');
    assert.equal(String(values[40]), 'after 19');
  }
}

async function startsWhereTold(scene: Scene): Promise<void> {
  await scene.produce(0, numbered('zero', 30));
  await scene.produce(1, numbered('one', 30));
  const first = await scene.join({ startAt: () => null });
  await scene.received(first, 60);
  const twentieth = first.received.filter(({ partition }) => partition === 0)[20];
  assert.ok(twentieth !== undefined);
  await scene.close(first);
  const second = await scene.join({
    startAt: (partition) => (partition === 0 ? twentieth.offset : undefined),
  });
  await until('the last ten of partition 0', () => second.valuesOf(0).length >= 10);
  assert.equal(second.valuesOf(0)[0], 'zero 20');
  assert.deepEqual(second.valuesOf(1), [], 'nothing is fetched before start');
  assert.equal(second.groupOffsets.get(1), first.position(1), 'the group offset is told with the assignment');
  second.start(1, second.groupOffsets.get(1) ?? null);
  await scene.produce(1, ['one 30']);
  await until('the new one of partition 1', () => second.valuesOf(1).length >= 1);
  assert.deepEqual(second.valuesOf(1), ['one 30']);
}

async function startsAgain(scene: Scene): Promise<void> {
  await scene.produce(0, numbered('r', 50));
  const member = await scene.join();
  await scene.received(member, 50);
  const tenth = member.received[10]?.offset;
  assert.ok(tenth !== undefined);
  member.start(0, tenth);
  await scene.received(member, 90);
  assert.deepEqual(member.valuesOf(0).slice(50), numbered('r', 50).slice(10));
  await scene.produce(0, ['last']);
  await scene.received(member, 91);
  assert.equal(member.valuesOf(0)[90], 'last');
}

async function pauseStops(scene: Scene): Promise<void> {
  const member = await scene.join();
  await scene.balanced(member);
  const ofOne = async (value: string): Promise<void> => {
    await scene.produce(1, [value]);
    await until(`"${value}" of partition 1`, () => member.valuesOf(1).includes(value));
  };
  await ofOne('start');
  member.log.pause(0);
  // What was asked for already may still come: one batch.
  await scene.produce(0, ['perhaps']);
  await ofOne('one');
  await ofOne('two');
  const already = member.valuesOf(0).length;
  await scene.produce(0, numbered('later', 100));
  await ofOne('three');
  await ofOne('four');
  assert.equal(member.valuesOf(0).length, already, 'nothing comes while paused');
  member.log.resume(0);
  await until('all of partition 0', () => member.valuesOf(0).length >= 101);
  assert.deepEqual(member.valuesOf(0), ['perhaps', ...numbered('later', 100)]);
  member.log.pause(1);
  member.log.resume(1);
  await ofOne('five');
}

async function commitsGrow(scene: Scene): Promise<void> {
  await scene.produce(0, numbered('r', 20));
  const member = await scene.join({ commits: false });
  await scene.received(member, 20);
  assert.equal((await scene.groupOffsets()).get(0), undefined);
  const at = (index: number): number => member.received[index]?.offset ?? -1;
  member.log.commit(0, at(5));
  await scene.committed(0, at(5));
  member.log.commit(0, at(12));
  member.log.commit(0, at(3));
  await scene.committed(0, at(12));
  member.log.commit(0, at(4));
  member.log.commit(1, 0);
  await scene.committed(1, 0);
  assert.equal((await scene.groupOffsets()).get(0), at(12), 'an offset never goes back');
}

async function resultsInOrder(scene: Scene): Promise<void> {
  const member = await scene.join();
  await scene.balanced(member);
  const result = (partition: number, index: number): ResultRecord => ({
    key: `atm-${index % 5}`,
    value: JSON.stringify({ partition, number: index + 1, text: 'ü'.repeat(index % 7) }),
    headers: [['signalbox-result-id', `${scene.topic}/${partition}/${index + 1}`]],
  });
  const all = [0, 1].map((partition) => Array.from({ length: 250 }, (_, index) => result(partition, index)));
  await Promise.all(
    all.map(async (results, partition) => {
      for (let from = 0; from < results.length; from += 50) {
        await member.log.publish(partition, results.slice(from, from + 50));
      }
    }),
  );
  const published = await scene.fixture.results(scene.topic);
  for (const partition of [0, 1]) {
    const found = published.filter((record) => record.partition === partition);
    assert.deepEqual(
      found.map(({ key, value, headers }) => ({ key, value, headers })),
      all[partition],
    );
  }
  assert.equal(published.length, 500);
}

async function lastNumberIsFound(scene: Scene): Promise<void> {
  const member = await scene.join();
  await scene.balanced(member);
  assert.equal(await member.log.lastPublished(0, 'all'), 0, 'there is none');
  const results = (partition: number, from: number, to: number): ResultRecord[] =>
    Array.from({ length: to - from + 1 }, (_, index) => ({
      key: 'atm-1',
      value: '{}',
      headers: [['signalbox-result-id', `${scene.topic}/${partition}/${from + index}`]],
    }));
  await member.log.publish(0, results(0, 1, 70));
  await member.log.publish(1, results(1, 1, 300));
  // Published again after a take-over, and something that is no result.
  await member.log.publish(0, results(0, 60, 65));
  await member.log.publish(0, [{ key: 'atm-1', value: 'x', headers: [] }]);
  assert.equal(await member.log.lastPublished(0, 'all'), 70);
  assert.equal(await member.log.lastPublished(1, 'all'), 300);
  assert.equal(await member.log.lastPublished(1, 'end'), 300);
}

async function largeResults(scene: Scene): Promise<void> {
  const member = await scene.join();
  await scene.balanced(member);
  const evidence = 'e'.repeat(64 * 1024);
  const results = Array.from({ length: 60 }, (_, index) => ({
    key: 'atm-1',
    value: `${index}${evidence}`,
    headers: [],
  }));
  await member.log.publish(1, results);
  const published = await scene.fixture.results(scene.topic);
  assert.deepEqual(
    published.map(({ partition, value }) => `${partition} ${Number.parseInt(value ?? '', 10)}`),
    results.map((_, index) => `1 ${index}`),
  );
}

async function endOffsetsFollow(scene: Scene): Promise<void> {
  const member = await scene.join();
  await scene.produce(0, numbered('r', 7));
  await scene.received(member, 7);
  await until('the end is where the reading is', async () => {
    return (await member.log.endOffsets()).get(0) === member.position(0);
  });
  assert.equal((await member.log.endOffsets()).size, 3);
  await scene.produce(0, ['one more']);
  await scene.received(member, 8);
  await until('the end moves on', async () => (await member.log.endOffsets()).get(0) === member.position(0));
}

export const RECORD_CHECKS: readonly Check[] = [
  {
    name: 'delivers every record of each partition once, in order, with its key',
    partitions: 3,
    run: everyRecordInOrder,
  },
  {
    name: 'keeps every byte: null and empty keys and values, headers, times',
    partitions: 1,
    run: everyByteOfARecord,
  },
  {
    name: 'delivers records of 1 MiB among small ones, on several partitions',
    partitions: 3,
    run: largeRecords,
  },
  {
    name: 'starts at an offset, at the earliest, or not before it is told to',
    partitions: 2,
    run: startsWhereTold,
  },
  { name: 'start again moves the position', partitions: 1, run: startsAgain },
  { name: 'pause stops one partition, resume goes on without loss', partitions: 2, run: pauseStops },
  { name: 'commits are seen from outside within seconds and never go back', partitions: 2, run: commitsGrow },
  {
    name: 'publishes results in order, complete, to the partition of their source',
    partitions: 2,
    run: resultsInOrder,
  },
  { name: 'publishes more results at once than fit one batch', partitions: 2, run: largeResults },
  { name: 'the last number of the results is found', partitions: 2, run: lastNumberIsFound },
  { name: 'endOffsets are the positions after the last records', partitions: 3, run: endOffsetsFollow },
];
