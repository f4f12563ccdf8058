/** What only Kafka has: transactions of producers, codecs, topics that are wrong, change or vanish, foreign members. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  createPartitionsV3,
  deleteRecordsV2,
  deleteTopicsV6,
  encodeConsumerProtocolSubscription,
  findCoordinatorV6,
  joinGroupV9,
  Producer,
  produceV11,
} from '@platformatic/kafka';
import { testKafka, topicName } from '../../../test/fixtures/kafka.ts';
import { KafkaFixture, toMessage } from '../../../test/fixtures/kafka-log.ts';
import { LogWatcher } from '../../conformance/log-watcher.ts';
import { numbered, Scene, until } from '../../conformance/transaction-log-scene.ts';
import { partitionOf } from '../../core/murmur2.ts';
import { realWorld } from '../node/world.ts';
import type { KafkaLog } from './kafka-log.ts';
import { KafkaSender } from './kafka-sender.ts';

const kafka = await testKafka();
if ('skip' in kafka) test('Kafka only', { skip: kafka.skip });
else {
  after(() => kafka.stop());
  describe('Kafka only', () => {
    let fixture: KafkaFixture;
    const keepAlive = setInterval(() => undefined, 1_000);
    before(async () => {
      fixture = await KafkaFixture.make(kafka);
    });
    after(async () => {
      await fixture.close();
      clearInterval(keepAlive);
    });

    /** A test with a topic of its own; its members are closed at the end. */
    const scene = (name: string, partitions: number, run: (scene: Scene) => Promise<void>): void => {
      test(name, async () => {
        const made = await Scene.make(fixture, partitions);
        try {
          await run(made);
        } finally {
          await made.end();
        }
      });
    };
    const watch = (log: KafkaLog): LogWatcher => new LogWatcher(log, { name: 'member' });
    const codes = (member: LogWatcher): string[] => member.problems.map(({ error }) => error.code);

    scene(
      'records of aborted transactions are never delivered, those of committed ones all',
      2,
      async (made) => {
        const values = (
          producer: string,
          from: number,
        ): { topic: string; partition: number; value: Buffer }[] =>
          Array.from({ length: 400 }, (_, index) => ({
            topic: made.topic,
            partition: index % 2,
            value: Buffer.from(`${producer} ${from + index}`),
          }));
        const member = await made.join();
        const run = async (
          producer: string,
          outcomes: readonly ('commit' | 'abort')[],
        ): Promise<string[]> => {
          const client = new Producer({
            clientId: 'transactional',
            bootstrapBrokers: [kafka.bootstrap],
            transactionalId: `${made.topic}-${producer}`,
            idempotent: true,
            producerId: -1n,
            producerEpoch: -1,
          });
          const committed: string[] = [];
          try {
            for (const [round, outcome] of outcomes.entries()) {
              const transaction = await client.beginTransaction();
              for (let part = 0; part < 3; part += 1) {
                const messages = values(`${outcome} by ${producer}`, round * 1_200 + part * 400);
                await transaction.send({ messages });
                if (outcome === 'commit') committed.push(...messages.map(({ value }) => String(value)));
                await made.produce(0, [`plain ${producer} ${round} ${part}`]);
                committed.push(`plain ${producer} ${round} ${part}`);
              }
              await (outcome === 'commit' ? transaction.commit() : transaction.abort());
            }
          } finally {
            await client.close();
          }
          return committed;
        };
        const expected = (
          await Promise.all([
            run('one', ['abort', 'commit', 'abort', 'abort', 'commit']),
            run('two', ['commit', 'abort', 'commit', 'abort', 'abort']),
          ])
        ).flat();
        await made.received(member, expected.length);
        const late = await made.join({ startAt: () => null });
        await made.close(member);
        await made.balanced(late);
        await made.received(late, expected.length);
        for (const each of [member, late]) {
          assert.deepEqual(each.received.map(({ value }) => String(value)).sort(), [...expected].sort());
        }
        assert.ok(expected.some((value) => value.startsWith('commit')));
        assert.ok(!expected.some((value) => value.startsWith('abort')));
        // The position passes the markers, so that the lag ends at zero.
        await until('positions at the ends', async () => {
          const ends = await late.log.endOffsets();
          return [0, 1].every((partition) => late.position(partition) === ends.get(partition));
        });
      },
    );

    scene('every codec of a producer is read', 1, async (made) => {
      const connection = await fixture.connection();
      const expected: string[] = [];
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd', 'none'] as const) {
        const names = numbered(`${compression} ${'x'.repeat(100)}`, 50);
        expected.push(...names);
        const messages = names.map((value) =>
          toMessage(made.topic, { partition: 0, key: 'k', value, headers: [['h', value]] }),
        );
        await produceV11.api.async(connection, -1, 10_000, messages, { compression });
      }
      const member = await made.join();
      await made.received(member, expected.length);
      assert.deepEqual(member.valuesOf(0), expected);
      assert.deepEqual(
        member.received.map(({ headers }) => String(headers[0]?.value)),
        expected,
      );
    });

    test('a topic that is compacted, missing, or lacks its results topic is refused for good', async () => {
      const group = topicName();
      const compacted = await fixture.createTopic({
        partitions: 1,
        configs: { 'cleanup.policy': 'compact,delete' },
      });
      const refused = async (log: KafkaLog, code: string): Promise<void> => {
        await assert.rejects(log.open(watch(log)), { code, final: true });
        await log.close(0);
      };
      await refused(fixture.log({ topic: compacted, group }), 'SB-3003');
      await refused(fixture.log({ topic: topicName(), group }), 'SB-3002');
      const alone = await fixture.createTopic({ partitions: 1 });
      await refused(fixture.log({ topic: alone, group, createResultsTopic: false }), 'SB-3012');
      await refused(fixture.log({ topic: alone, group, sessionTimeoutMs: 10 }), 'SB-5002');
    });

    test('a topic may be waited for, and its single replica is warned of', async () => {
      const topic = topicName();
      const log = fixture.log({ topic, group: topic, waitForTopic: true });
      const member = watch(log);
      const opened = log.open(member);
      await until('told that it is missing', () => codes(member).includes('SB-3002'));
      assert.equal(log.health().connected, false);
      await fixture.createTopic({ partitions: 2, name: topic });
      await opened;
      await until('both partitions', () => member.owned.length === 2);
      assert.ok(codes(member).includes('SB-3013'));
      await log.close(0);
    });

    test('a group with members of another protocol is refused with SB-3006', async () => {
      const topic = await fixture.createTopic({ partitions: 1 });
      const connection = await fixture.connection();
      await findCoordinatorV6.api.async(connection, 0, [topic]);
      const metadata = encodeConsumerProtocolSubscription({ version: 1, topics: [topic] });
      const join = (memberId: string) =>
        joinGroupV9.api.async(
          connection,
          topic,
          6_000,
          6_000,
          memberId,
          null,
          'consumer',
          [{ name: 'range', metadata }],
          null,
        );
      await assert.rejects(join(''), (error: Error & { response?: { memberId: string } }) => {
        assert.ok(error.response !== undefined);
        return true;
      });
      const memberId = await join('').then(
        (answer) => answer.memberId,
        (error: { response: { memberId: string } }) => error.response.memberId,
      );
      await join(memberId);
      const log = fixture.log({ topic, group: topic });
      await assert.rejects(log.open(watch(log)), { code: 'SB-3006', final: true });
      await log.close(0);
    });

    scene('a topic that is deleted and made again stops its partitions with SB-3009', 2, async (made) => {
      await made.produce(0, numbered('old', 10));
      const member = await made.join();
      await made.received(member, 10);
      const connection = await fixture.connection();
      await deleteTopicsV6.api.async(connection, [{ name: made.topic }], 10_000);
      await until('told that it is gone', () => codes(member).includes('SB-3002'));
      await until('made again', () =>
        fixture.createTopic({ partitions: 2, name: made.topic }).then(
          () => true,
          () => false,
        ),
      );
      await until(
        'told for both partitions',
        () =>
          member.problems.filter(({ error, partition }) => error.code === 'SB-3009' && partition !== null)
            .length === 2,
      );
      const told = member.problems.filter(
        ({ error, partition }) => error.code === 'SB-3009' && partition !== null,
      );
      assert.equal(member.log.health().problem?.code, 'SB-3009');
      assert.deepEqual(told.map(({ partition }) => partition).sort(), [0, 1]);
      assert.ok(told.every(({ error }) => error.final));
      member.log.commit(0, 10);
      await made.produce(0, numbered('new', 20));
      const other = await made.join({ startAt: () => null });
      await until(
        'the new topic is read by a member that knows it',
        () => other.received.length > 0 || other.owned.length > 0,
      );
      await made.close(member);
      await made.received(other, 20);
      assert.equal(member.received.length, 10, 'nothing of the new topic by the old offsets');
      assert.equal((await made.groupOffsets()).get(0) ?? -1, -1);
    });

    scene(
      'records that were deleted before they were read stop the partition with SB-3008',
      2,
      async (made) => {
        await made.produce(0, numbered('r', 20));
        await made.produce(1, numbered('r', 5));
        const partitions = [{ partitionIndex: 0, offset: 15n }];
        await deleteRecordsV2.api.async(
          await fixture.connection(),
          [{ name: made.topic, partitions }],
          10_000,
        );
        const member = await made.join({ startAt: (partition) => (partition === 0 ? 5 : null) });
        await until('told', () => codes(member).includes('SB-3008'));
        assert.equal(member.log.health().problem?.code, 'SB-3008');
        await made.received(member, 5);
        assert.deepEqual(member.valuesOf(0), []);
        member.start(0, null);
        await made.received(member, 10);
        assert.equal(member.valuesOf(0)[0], 'r 15', 'a person may let it go on from the earliest');
        assert.equal(member.log.health().problem, null);
      },
    );

    scene('partitions that are added are announced and given out in one rebalance', 3, async (made) => {
      const first = await made.join();
      const second = await made.join();
      await made.balanced(first, second);
      const request = [{ name: made.topic, count: 6, assignments: null }];
      await createPartitionsV3.api.async(await fixture.connection(), request, 10_000, false);
      await until('six partitions owned', () => first.owned.length + second.owned.length === 6);
      await until('both are told', () =>
        [first, second].every((member) => codes(member).includes('SB-3011')),
      );
      assert.equal(first.log.topic.partitions, 6);
      await made.produce(5, numbered('r', 3));
      await until('read', () => first.received.length + second.received.length === 3);
      for (const member of [first, second]) assert.deepEqual(member.lostPartitions, []);
    });

    test('wrong addresses are told within 15 s, whether they refuse or swallow; close ends the waiting', async () => {
      const silent: Server = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const address = silent.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      const free = createServer();
      await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
      const freeAddress = free.address();
      const closedPort = freeAddress !== null && typeof freeAddress === 'object' ? freeAddress.port : 0;
      await new Promise((resolve) => free.close(resolve));
      for (const [brokers, reason] of [
        [[`127.0.0.1:${closedPort}`], /ECONNREFUSED/],
        [['nowhere.invalid:9092'], /ENOTFOUND|EAI_AGAIN/],
        [[`127.0.0.1:${port}`], /timed out/],
      ] as const) {
        const log = fixture.log({ topic: 't', group: 'g', brokers });
        const member = watch(log);
        const opened = assert.rejects(log.open(member), { code: 'SB-3001' });
        await until(`${brokers} told`, () => codes(member).includes('SB-3001'), { deadlineMs: 15_000 });
        assert.match(member.problems[0]?.error.detail ?? '', reason);
        assert.ok(member.problems[0]?.error.detail.includes(brokers[0]));
        assert.equal(log.health().problem?.code, 'SB-3001');
        await log.close(0);
        await opened;
      }
      silent.close();
    });

    test('a network that swallows everything is noticed, and nothing is lost when it heals in time', async () => {
      const swallowing = await KafkaFixture.make(kafka, 'swallow');
      const made = await Scene.make(swallowing, 2);
      const member = await made.join({ sessionTimeoutMs: 15_000 });
      await made.balanced(member);
      const heal = await swallowing.cutOff(member.log);
      await until('the fence closes', () => !member.log.mayBegin());
      await heal();
      await until('the fence opens', () => member.log.mayBegin());
      await made.produce(0, numbered('after', 5));
      await made.received(member, 5);
      assert.deepEqual(member.lostPartitions, []);
      await made.end();
      await swallowing.close();
    });

    test('close of a member that is cut off ends in time', async () => {
      const swallowing = await KafkaFixture.make(kafka, 'swallow');
      const made = await Scene.make(swallowing, 2);
      const member = await made.join({ sessionTimeoutMs: 15_000 });
      await made.balanced(member);
      await made.produce(0, ['x']);
      await made.received(member, 1);
      await swallowing.killLog(member.log);
      const startedAt = performance.now();
      await made.close(member, 1_000);
      assert.ok(performance.now() - startedAt < 12_000);
      await swallowing.close();
    });

    test('the sender puts records where the Java client does, in order', async () => {
      const topic = await fixture.createTopic({ partitions: 5 });
      const sender = new KafkaSender({
        brokers: [kafka.bootstrap],
        clientId: 'sender',
        topic,
        world: realWorld(),
      });
      const keys = Array.from({ length: 40 }, (_, index) => `atm-${index}`);
      const sends = Array.from({ length: 25 }, (_, round) =>
        sender.send(
          keys.map((key) => ({
            key,
            value: Buffer.from(`${key} ${round}`),
            headers: { traceparent: `t${round}` },
          })),
        ),
      );
      await Promise.all([...sends, sender.send([{ key: null, value: null }])]);
      await sender.close();
      const log = fixture.log({ topic, group: topic });
      const member = watch(log);
      await log.open(member);
      await until('all', () => member.received.length === 1_001);
      for (const { partition, key } of member.received) {
        if (key !== null) assert.equal(partition, partitionOf(String(key), 5));
      }
      for (const key of keys) {
        const mine = member.received.filter((record) => String(record.key) === key);
        assert.deepEqual(
          mine.map(({ value }) => String(value)),
          Array.from({ length: 25 }, (_, round) => `${key} ${round}`),
        );
      }
      await log.close(0);
      const lost = new KafkaSender({
        brokers: [kafka.bootstrap],
        clientId: 'sender',
        topic: topicName(),
        world: realWorld(),
        sendTimeoutMs: 500,
      });
      await assert.rejects(lost.send([{ key: 'a', value: null }]), { code: 'SB-3002' });
      await lost.close();
    });

    test('after close nothing holds the process', async () => {
      const topic = await fixture.createTopic({ partitions: 2 });
      const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
      const script = `
        import { KafkaLog } from ${here('./kafka-log.ts')};
        import { KafkaSender } from ${here('./kafka-sender.ts')};
        import { realWorld } from ${here('../node/world.ts')};
        const hold = setInterval(() => undefined, 1000);
        const common = { brokers: ['${kafka.bootstrap}'], clientId: 'child', topic: '${topic}', world: realWorld() };
        const sender = new KafkaSender(common);
        const log = new KafkaLog({ ...common, group: '${topic}', createResultsTopic: true });
        await new Promise((resolve) => log.open({
          assigned: (partition) => log.start(partition, null), records: resolve, revoked: async () => undefined,
          lost: () => undefined, resumed: () => undefined, problem: () => undefined,
        }).then(() => sender.send([{ key: 'a', value: Buffer.from('b') }])));
        await log.close(1000);
        await sender.close();
        clearInterval(hold);
        console.log('closed');`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let closedAt = 0;
      child.stdout.on('data', () => {
        closedAt = performance.now();
      });
      const code = await new Promise((resolve) => child.once('exit', resolve));
      assert.equal(code, 0);
      assert.ok(
        closedAt > 0 && performance.now() - closedAt < 1_500,
        `held for ${performance.now() - closedAt} ms`,
      );
    });
  });
}
