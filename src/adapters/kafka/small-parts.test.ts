import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  ResponseError,
} from '@platformatic/kafka';
import { VirtualWorld } from '../../../test/fixtures/virtual-world.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { lackingApis, NEEDED_APIS } from './api-versions.ts';
import type { ProducerRecord } from './batch-encoding.ts';
import { answerOf, KafkaRefusal, problemOf, reasonOf } from './kafka-errors.ts';
import { PartitionQueue } from './partition-queue.ts';
import { inBatches, type Producer } from './producer.ts';
import { Reach } from './reach.ts';
import { securityOptions } from './security.ts';
import { groupTimes, type KafkaLogSettings } from './settings.ts';
import { BackOff, Bell, settledWithin } from './waiting.ts';

const world = new VirtualWorld();
const settings: KafkaLogSettings = {
  brokers: ['k'],
  topic: 't',
  group: 'g',
  clientId: 'c',
  createResultsTopic: true,
  world,
};

describe('groupTimes', () => {
  it('defaults: 45 s, 3 s, 90 s, 60 s, fence at 30 s', () => {
    assert.deepEqual(groupTimes(settings), {
      sessionTimeoutMs: 45_000,
      heartbeatMs: 3_000,
      rebalanceTimeoutMs: 90_000,
      drainBudgetMs: 60_000,
      fenceMs: 30_000,
    });
  });

  it('short sessions beat faster, short rebalances leave a third, no budget is above the rebalance time-out', () => {
    assert.equal(groupTimes({ ...settings, sessionTimeoutMs: 6_000 }).heartbeatMs, 2_000);
    assert.equal(groupTimes({ ...settings, rebalanceTimeoutMs: 50_000 }).drainBudgetMs, 30_000);
    assert.equal(groupTimes({ ...settings, rebalanceTimeoutMs: 9_000 }).drainBudgetMs, 3_000);
    assert.equal(
      groupTimes({ ...settings, rebalanceTimeoutMs: 9_000, drainBudgetMs: 99_000 }).drainBudgetMs,
      9_000,
    );
  });
});

describe('securityOptions', () => {
  it('passes TLS and each SASL mechanism on, and nothing when there is none', () => {
    const brokers = ['kafka.example:9093'];
    assert.deepEqual(securityOptions({ brokers }), {});
    assert.deepEqual(securityOptions({ brokers, tls: false }), {});
    assert.deepEqual(securityOptions({ brokers, tls: true }), { tls: {}, tlsServerName: true });
    assert.deepEqual(securityOptions({ brokers: ['10.0.0.1:9093'], tls: true }), { tls: {} });
    const tls = { ca: 'pem', servername: 'other.example' };
    assert.deepEqual(securityOptions({ brokers, tls }), { tls, tlsServerName: 'other.example' });
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const sasl = { mechanism, username: 'u', password: 'p' };
      assert.deepEqual(securityOptions({ brokers, sasl }), { sasl });
    }
    const token = (): string => 'jwt';
    const bearer = { mechanism: 'OAUTHBEARER', token, extensions: { logicalCluster: 'x' } } as const;
    const { sasl } = securityOptions({ brokers, sasl: bearer });
    assert.equal(sasl?.mechanism, 'OAUTHBEARER');
    assert.equal(sasl.token, token);
    assert.deepEqual(sasl.oauthBearerExtensions, { logicalCluster: 'x' });
  });
});

describe('lackingApis', () => {
  it('accepts a range around each version, names what is outside or missing', () => {
    const offered = NEEDED_APIS.map(({ key, version }) => ({
      apiKey: key,
      minVersion: 0,
      maxVersion: version,
    }));
    assert.deepEqual(lackingApis(offered), []);
    const old = offered.map((api) => (api.apiKey === 1 ? { ...api, maxVersion: 13 } : api));
    assert.deepEqual(lackingApis(old.filter(({ apiKey }) => apiKey !== 14)), [
      'Fetch 17 is outside 0 to 13',
      'no SyncGroup',
    ]);
  });
});

describe('errors of the client', () => {
  it('an answer with error codes is an answer', async () => {
    const response = { errorCode: 27 };
    const error = new ResponseError(12, 4, { '/': [27, null] }, response);
    assert.equal(await answerOf(Promise.reject(error)), response);
    const broken = new NetworkError('Connection closed');
    await assert.rejects(answerOf(Promise.reject(broken)), broken);
  });

  it('a person reads the innermost reasons and the code that fits', () => {
    const refused = new NetworkError('Connection to a:1 failed.', {
      cause: new Error('connect ECONNREFUSED a:1'),
    });
    const nobody = new AggregateError([refused, refused], 'All promises were rejected');
    assert.equal(reasonOf(nobody), 'connect ECONNREFUSED a:1');
    const problem = problemOf(nobody, 'a:1');
    assert.deepEqual(
      [problem.code, problem.detail, problem.final],
      ['SB-3001', 'a:1: connect ECONNREFUSED a:1', false],
    );
    const denied = new AuthenticationError('SASL authentication failed.', { cause: new ProtocolError(58) });
    const wrapped = new NetworkError('Connection failed', { cause: denied });
    assert.deepEqual([problemOf(wrapped, 'a').code, problemOf(wrapped, 'a').final], ['SB-3004', true]);
    const cut = new AuthenticationError('Cannot find a suitable SASL mechanism.', {
      cause: new NetworkError('Connection closed'),
    });
    assert.equal(problemOf(cut, 'a').code, 'SB-3001', 'a connection that breaks in the log-in is no refusal');
    const forbidden = new MultipleErrors('x', [new ProtocolError(29)]);
    assert.deepEqual([problemOf(forbidden, 'a').code, problemOf(forbidden, 'a').final], ['SB-3005', true]);
    assert.equal(problemOf(new KafkaRefusal('Join', 30), 'a').code, 'SB-3005');
    assert.equal(problemOf(new KafkaRefusal('Produce', 6), 'a').code, 'SB-3017');
    assert.equal(problemOf(new KafkaRefusal('Fetch', 35), 'a').code, 'SB-3007');
    const own = new SignalboxError('SB-3002', 't');
    assert.equal(problemOf(own, 'a'), own);
    assert.equal(reasonOf('text'), 'text');
  });
});

describe('Reach', () => {
  it('tells at once, then every ten seconds, never as final, and anew after all was well', () => {
    const clock = new VirtualWorld();
    const told: SignalboxError[] = [];
    const reach = new Reach({ world: clock, tell: (error) => told.push(error) });
    const error = new SignalboxError('SB-3004', 'x', { final: true });
    reach.failed('a', error);
    reach.failed('b', error);
    assert.equal(told.length, 1);
    assert.equal(told[0]?.final, false);
    reach.succeeded('a');
    assert.equal(reach.connected, false);
    assert.equal(reach.problem?.code, 'SB-3004');
    reach.succeeded('b');
    assert.deepEqual([reach.connected, reach.problem], [true, null]);
    reach.failed('a', error);
    assert.equal(told.length, 2);
  });

  it('a halted partition is the problem until it is released, but no matter of connection', () => {
    const reach = new Reach({ world, tell: () => assert.fail('who halts it tells') });
    reach.halted(3, new SignalboxError('SB-3008'));
    assert.deepEqual([reach.connected, reach.problem?.code], [true, 'SB-3008']);
    reach.released(3);
    assert.equal(reach.problem, null);
  });

  it('repeats a lasting trouble', async () => {
    const clock = new VirtualWorld();
    const told: SignalboxError[] = [];
    const reach = new Reach({ world: clock, tell: (error) => told.push(error) });
    for (let second = 0; second < 25; second += 1) {
      reach.failed('a', new SignalboxError('SB-3001'));
      await clock.advance(1_000);
    }
    assert.equal(told.length, 3);
  });
});

describe('waiting', () => {
  it('a ring before the wait is not missed, and wakes once', async () => {
    const clock = new VirtualWorld();
    const bell = new Bell(clock);
    bell.ring();
    bell.ring();
    await bell.wait();
    let woken = false;
    const waiting = bell.wait(1_000).then(() => {
      woken = true;
    });
    await clock.advance(999);
    assert.equal(woken, false);
    await clock.advance(1);
    await waiting;
    const second = bell.wait();
    bell.ring();
    await second;
  });

  it('settledWithin tells time-out from end, and takes a rejection for an end', async () => {
    const clock = new VirtualWorld();
    const slow = settledWithin(clock, 100, new Promise(() => undefined));
    await clock.advance(100);
    assert.equal(await slow, false);
    assert.equal(await settledWithin(clock, 100, Promise.reject(new Error('x'))), true);
  });

  it('the back-off doubles from 100 ms to 5 s and begins anew after a success', () => {
    const backOff = new BackOff(new VirtualWorld());
    assert.deepEqual(
      Array.from({ length: 8 }, () => backOff.next()),
      [75, 150, 300, 600, 1_200, 2_400, 3_750, 3_750],
    );
    backOff.reset();
    assert.equal(backOff.next(), 75);
  });
});

function record(bytes: number): ProducerRecord {
  return { key: null, value: Buffer.alloc(bytes), headers: [] };
}

describe('inBatches', () => {
  it('keeps the order, cuts below the limit, and gives an overlong record a batch of its own', () => {
    const records = [record(500_000), record(300_000), record(300_000), record(2_000_000), record(1)];
    const batches = inBatches(records);
    assert.deepEqual(batches.flat(), records);
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [2, 1, 1, 1],
    );
  });
});

class ScriptedProducer implements Pick<Producer, 'append' | 'close'> {
  readonly sent: {
    readonly records: readonly ProducerRecord[];
    readonly done: PromiseWithResolvers<void>;
  }[] = [];
  append(_partition: number, records: readonly ProducerRecord[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.sent.push({ records, done });
    return done.promise;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('PartitionQueue', () => {
  const make = () => {
    const clock = new VirtualWorld();
    const producer = new ScriptedProducer();
    return {
      clock,
      producer,
      queue: new PartitionQueue({ world: clock, producer, partition: 2, timeoutMs: 10_000 }),
    };
  };

  it('one request in flight, what comes meanwhile goes together into the next', async () => {
    const { clock, producer, queue } = make();
    const first = queue.send([record(1)]);
    const others = [queue.send([record(2)]), queue.send([record(3)])];
    await clock.settle();
    assert.equal(producer.sent.length, 1);
    producer.sent[0]?.done.resolve();
    await first;
    await clock.settle();
    assert.deepEqual(
      producer.sent[1]?.records.map(({ value }) => value?.length),
      [2, 3],
    );
    producer.sent[1]?.done.resolve();
    await Promise.all(others);
  });

  it('Z1 sends the same again before anything newer, and gives up in time', async () => {
    const { clock, producer, queue } = make();
    const first = queue.send([record(1)]);
    const rejected = assert.rejects(first, { code: 'SB-3017' });
    void queue.send([record(2)]).catch(() => undefined);
    for (let second = 0; second < 10; second += 1) {
      producer.sent.at(-1)?.done.reject(new KafkaRefusal('Produce', 6));
      await clock.advance(1_000);
    }
    producer.sent.at(-1)?.done.reject(new KafkaRefusal('Produce', 6));
    await clock.advance(5_000);
    await rejected;
    const lengths = producer.sent.map(({ records }) => records[0]?.value?.length);
    assert.deepEqual([...lengths].sort(), lengths, 'never the second before the last try of the first');
    assert.ok(lengths.filter((length) => length === 1).length > 3);
  });

  it('does not repeat what cannot succeed', async () => {
    const { clock, producer, queue } = make();
    const rejected = assert.rejects(queue.send([record(1)]), { code: 'SB-3017' });
    await clock.settle();
    producer.sent[0]?.done.reject(new KafkaRefusal('Produce', 10));
    await rejected;
    assert.equal(producer.sent.length, 1);
  });

  it('Z2 refuses more than it keeps, with SB-3016', async () => {
    const { clock, producer, queue } = make();
    void queue.send([record(1)]);
    await clock.settle();
    void queue.send([record(3_000_000)]);
    await assert.rejects(queue.send([record(3_000_000)]), { code: 'SB-3016' });
    producer.sent[0]?.done.resolve();
  });
});
