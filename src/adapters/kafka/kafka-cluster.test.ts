/** Three brokers: leaders and the group's coordinator move when one crashes, and when one is shut down in order. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConnectionPool, createTopicsV7, findCoordinatorV6, metadataV12 } from '@platformatic/kafka';
import { ownKafka, topicName } from '../../../test/fixtures/kafka.ts';
import { LogWatcher } from '../../conformance/log-watcher.ts';
import { until } from '../../conformance/transaction-log-scene.ts';
import { freePort } from '../../demo/free-port.ts';
import { LocalBroker } from '../../demo/local-broker.ts';
import { realWorld } from '../node/world.ts';
import { answerOf } from './kafka-errors.ts';
import { KafkaLog } from './kafka-log.ts';
import { KafkaSender } from './kafka-sender.ts';

const NODES = [1, 2, 3] as const;
const PARTITIONS = 6;
const world = realWorld();

/** Node 1 also controls; it is the one that never dies. */
async function startCluster(directory: string): Promise<LocalBroker[]> {
  const controllerPort = await freePort();
  const controller = { 'controller.quorum.voters': `1@127.0.0.1:${controllerPort}` };
  const replicas = {
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
  };
  const start = async (node: number): Promise<LocalBroker> => {
    const port = await freePort();
    const plain = `PLAINTEXT://127.0.0.1:${port}`;
    const roles =
      node === 1
        ? { listeners: `${plain},CONTROLLER://127.0.0.1:${controllerPort}` }
        : { 'process.roles': 'broker', listeners: plain };
    const properties = { 'node.id': String(node), ...controller, ...replicas, ...roles };
    return LocalBroker.start({ directory: join(directory, String(node)), port, heapMb: 256, properties });
  };
  return Promise.all(NODES.map(start));
}

// One broker of the usual kind first: it says whether there is Java and Maven at all.
const probe = await ownKafka();
if ('skip' in probe) test('Kafka cluster', { skip: probe.skip });
else {
  await probe.stop();
  describe('Kafka cluster', () => {
    let directory = '';
    let brokers: LocalBroker[] = [];
    const keepAlive = setInterval(() => undefined, 1_000);
    const pool = new ConnectionPool('test', { requestTimeout: 20_000 });
    pool.on('connecting', ({ connection }) => connection.on('error', () => undefined));
    after(async () => {
      await pool.close();
      await Promise.all(brokers.map((broker) => broker.kill()));
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      clearInterval(keepAlive);
    });

    test('members go on over a crash and an orderly stop of brokers: nothing lost, nothing twice', async () => {
      directory = await mkdtemp(join(tmpdir(), 'signalbox-cluster-'));
      brokers = await startCluster(directory);
      const first = { host: '127.0.0.1', port: brokers[0]?.port ?? 0 };
      const topic = topicName();
      const wanted = {
        name: topic,
        numPartitions: PARTITIONS,
        replicationFactor: 3,
        assignments: [],
        configs: [],
      };
      await until('a topic on three brokers', async () => {
        return createTopicsV7.api.async(await pool.get(first), [wanted], 10_000, false).then(
          () => true,
          () => false,
        );
      });
      const leaders = async (): Promise<number[]> => {
        const connection = await pool.get(first);
        const { topics } = await answerOf(metadataV12.api.async(connection, [topic], false, false));
        return topics[0]?.partitions.map(({ leaderId }) => leaderId) ?? [];
      };
      const coordinator = async (): Promise<number> => {
        const answer = await findCoordinatorV6.api.async(await pool.get(first), 0, [topic]);
        return answer.coordinators[0]?.nodeId ?? -1;
      };
      await until('leaders on all three', async () => new Set(await leaders()).size === 3);

      const bootstrap = brokers.map((broker) => broker.bootstrap);
      const members = await Promise.all(
        ['a', 'b'].map(async (name) => {
          const log = new KafkaLog({
            brokers: bootstrap,
            clientId: name,
            topic,
            group: topic,
            createResultsTopic: true,
            sessionTimeoutMs: 20_000,
            heartbeatMs: 1_000,
            topicPollMs: 5_000,
            world,
          });
          const member = new LogWatcher(log, { name });
          await log.open(member);
          return member;
        }),
      );
      const owned = (): number => members.reduce((sum, member) => sum + member.owned.length, 0);
      await until('all partitions owned', () => owned() === PARTITIONS);
      assert.ok(!members.some(({ problems }) => problems.some(({ error }) => error.code === 'SB-3013')));

      const sender = new KafkaSender({ brokers: bootstrap, clientId: 'sender', topic, world });
      let sent = 0;
      const sendSome = async (): Promise<void> => {
        const records = Array.from({ length: 60 }, (_, index) => ({
          key: `atm-${index}`,
          value: Buffer.from(`${sent + index}`),
        }));
        await sender.send(records);
        sent += records.length;
      };
      const goesOn = async (what: string): Promise<void> => {
        await sendSome();
        const values = (): string[] =>
          members.flatMap(({ received }) => received.map(({ value }) => String(value)));
        await until(`${what}: everything read`, () => new Set(values()).size === sent, {
          state: () => values().length,
        });
        await until(`${what}: may begin`, () => members.every(({ log }) => log.mayBegin()));
        for (const member of members) {
          for (const partition of member.owned) {
            const position = member.position(partition);
            if (position !== null) member.log.commit(partition, position);
            const result = { key: 'atm-1', value: what, headers: [] };
            await until(`${what}: published ${partition}`, () =>
              member.log.publish(partition, [result]).then(
                () => true,
                () => false,
              ),
            );
          }
        }
        await until(`${what}: healthy`, () => members.every(({ log }) => log.health().connected));
      };
      await goesOn('at first');

      // The coordinator crashes, unless it is the node that controls: then any other.
      const victim = brokers[(await coordinator()) - 1] === brokers[0] ? 1 : (await coordinator()) - 1;
      await brokers[victim]?.kill();
      await goesOn('after a crash');
      assert.ok(!(await leaders()).includes(victim + 1));
      await brokers[victim]?.restart();
      await until('in sync again', async () => {
        const connection = await pool.get(first);
        const { topics } = await answerOf(metadataV12.api.async(connection, [topic], false, false));
        return topics[0]?.partitions.every(({ isrNodes }) => isrNodes.length === 3) ?? false;
      });
      await goesOn('after its return');
      const other = victim === 1 ? 2 : 1;
      await Promise.all([brokers[other]?.stop(), sendSome()]);
      await goesOn('after an orderly stop');

      const values = members.flatMap(({ received }) => received.map(({ value }) => String(value)));
      const twice = values.length - new Set(values).size;
      for (const member of members) {
        assert.deepEqual(member.violations, []);
        assert.deepEqual(member.lostPartitions, [], 'a broker lost is no membership lost');
      }
      // The sender repeats what a crash left unanswered; the reading itself repeats nothing.
      assert.ok(twice <= 60, `${twice} repeats`);
      await Promise.all(members.map(({ log }) => log.close(1_000)));
      await sender.close();
    });
  });
}
