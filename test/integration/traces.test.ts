/**
 * One trace from the producer to the result, over real workers, a real broker and Postgres, as a collector gets it:
 * also when the worker dies in the middle and another one goes on.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { byteString } from '../../src/core/byte-string.ts';
import { partitionOf } from '../../src/core/murmur2.ts';
import { type CollectedSpan, OtlpCollector } from '../fixtures/otlp-collector.ts';
import { BrokerClient } from '../rig/broker-client.ts';
import { Stage } from '../rig/stage.ts';
import { readResults } from '../rig/topic-reader.ts';
import { until } from '../rig/wait.ts';

const PARTITIONS = 4;
const PHASE_MS = 60_000;
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${PARENT}-01`;

/** A participant of grade G3 whose first execute of some transactions is never answered. */
class Participant {
  readonly traceparents = new Map<string, (string | undefined)[]>();
  readonly server = createServer((request, response) => {
    if (request.url === '/v1/capabilities') {
      response.end(
        JSON.stringify({
          contract: 1,
          grade: 'G3',
          replay: true,
          fence: true,
          status: true,
          reverse: true,
          retentionSeconds: 3024000,
        }),
      );
      return;
    }
    const [, , , key = '', kind = ''] = (request.url ?? '').split('/');
    const { traceparent } = request.headers;
    const given = typeof traceparent === 'string' ? traceparent : undefined;
    this.traceparents.set(`${key} ${kind}`, [...(this.traceparents.get(`${key} ${kind}`) ?? []), given]);
    request.resume();
    if (key.startsWith('T-stuck') && kind === 'execute') return; // it acts, and the answer is lost
    response.end(JSON.stringify({ outcome: 'done', evidence: { taken: 1 } }));
  });

  sent(transaction: string, kind: string): (string | undefined)[] {
    return this.traceparents.get(`${transaction}:apply ${kind}`) ?? [];
  }
}

const participant = new Participant();
let collector: OtlpCollector;
let client: BrokerClient;
let stage: Stage;
let skip: string | null = null;
let passed = true;

before(async () => {
  collector = await OtlpCollector.start();
  await new Promise<void>((resolve) => participant.server.listen(0, '127.0.0.1', resolve));
  const { port } = participant.server.address() as AddressInfo;
  const opened = await Stage.open({
    partitions: PARTITIONS,
    site: [],
    environment: {
      SIGNALBOX_PARTICIPANT_URL: `http://127.0.0.1:${port}`,
      SIGNALBOX_LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  });
  if ('skip' in opened) {
    skip = opened.skip;
    return;
  }
  stage = opened;
  client = new BrokerClient(stage.kafka.bootstrap);
  await stage.fleet.start('one');
});

after(async () => {
  if (skip === null) {
    await client.close();
    await stage.close(passed);
  }
  participant.server.closeAllConnections();
  participant.server.close();
  await collector.close();
});

async function produce(id: string, location: string, traceparent: string | null): Promise<void> {
  const value = byteString(Buffer.from(JSON.stringify({ id, type: 'withdraw', data: { amount: 4_000 } })));
  const key = byteString(Buffer.from(location));
  const headers: Record<string, string> = traceparent === null ? {} : { traceparent };
  const partition = partitionOf(key, PARTITIONS);
  await client.produce(stage.topic.name, partition, [{ key, value, headers }]);
}

/** The spans of a transaction when the last one of them has come. */
async function spansOf(id: string): Promise<CollectedSpan[]> {
  await until(
    { what: `the collector has the result of ${id}`, timeoutMs: PHASE_MS },
    () =>
      collector.of(id).some(({ name }) => name === 'result') &&
      collector.of(id).some(({ kind }) => kind === CONSUMER),
  );
  return collector.of(id).toSorted((a, b) => Number(a.startNs - b.startNs));
}

function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const found = spans.find((span) => span.name === name);
  assert.ok(found !== undefined, `no span ${name} among ${spans.map((span) => span.name).join(', ')}`);
  return found;
}

/** One tree below `root`, in one trace, each part within the time that it must lie in. */
function assertTree(spans: readonly CollectedSpan[], root: CollectedSpan): void {
  for (const span of spans) {
    assert.equal(span.traceId, root.traceId, span.name);
    if (span !== root) assert.equal(span.parentSpanId, root.spanId, span.name);
    assert.ok(span.endNs >= span.startNs, `${span.name} ends before it starts`);
  }
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'span ids are different');
}

/** Runs it only where there is a broker; whether all passed decides if the logs are kept. */
function traced(name: string, run: () => Promise<void>): void {
  it(name, async (context) => {
    if (skip !== null) return context.skip(skip);
    try {
      await run();
    } catch (error) {
      passed = false;
      throw error;
    }
  });
}

describe('traces', () => {
  traced('go from the producer’s span through lane, begin, call and finish to the result', async () => {
    await produce('T-plain', 'ATM-1', SAMPLED);
    const spans = await spansOf('T-plain');
    const root = named(spans, 'process transactions');
    assert.equal(root.traceId, TRACE);
    assert.equal(root.parentSpanId, PARENT);
    assert.equal(root.kind, CONSUMER);
    assert.equal(root.attributes['signalbox.outcome'], 'completed');
    assert.equal(root.attributes['signalbox.location'], 'ATM-1');
    assert.equal(root.attributes['messaging.system'], 'kafka');
    assertTree(spans, root);
    assert.deepEqual(spans.map(({ name }) => name).toSorted(), [
      'begin',
      'execute',
      'finish',
      'lane',
      'process transactions',
      'result',
    ]);
    const parts = ['lane', 'begin', 'execute', 'finish', 'result'].map((name) => named(spans, name));
    for (const [index, part] of parts.slice(1).entries()) {
      assert.ok(
        part.startNs >= (parts[index]?.startNs ?? 0n),
        `${part.name} starts after ${parts[index]?.name}`,
      );
    }
    assert.equal(named(spans, 'execute').kind, CLIENT);
    assert.equal(named(spans, 'result').kind, PRODUCER);
  });

  traced('give the participant the span of the call, and the log the id of the trace', async () => {
    const { spanId } = named(collector.of('T-plain'), 'execute');
    assert.deepEqual(participant.sent('T-plain', 'execute'), [`00-${TRACE}-${spanId}-01`]);
    for (const message of ['called', 'finished']) {
      const line = stage.fleet.said('one', message);
      assert.equal(line?.id, 'T-plain');
      assert.equal(line.trace_id, TRACE);
    }
  });

  traced('of a record without one begin here, are kept in the ledger, and go on in the result', async () => {
    await produce('T-own', 'ATM-2', null);
    const spans = await spansOf('T-own');
    const root = named(spans, 'process transactions');
    assert.equal(root.parentSpanId, undefined);
    assertTree(spans, root);
    const stored = `00-${root.traceId}-${root.spanId}-01`;
    const rows = await stage.ledger.rows<{ traceparent: string }>(
      'select traceparent from signalbox.transactions where id = $1',
      ['T-own'],
    );
    assert.deepEqual(rows, [{ traceparent: stored }]);
    const topic = await client.topic(`${stage.topic.name}.results`);
    assert.ok(topic !== null);
    const result = (await readResults(client, topic)).find(({ value }) => value.includes('"T-own"'));
    assert.equal(result?.headers.traceparent, stored);
  });

  traced('that the producer does not sample are handed on as they are, without a span', async () => {
    const unsampled = `00-${'a'.repeat(32)}-${PARENT}-00`;
    await produce('T-unsampled', 'ATM-3', unsampled);
    await produce('T-after', 'ATM-3', SAMPLED);
    await spansOf('T-after');
    assert.deepEqual(participant.sent('T-unsampled', 'execute'), [unsampled]);
    assert.deepEqual(collector.of('T-unsampled'), []);
  });

  traced('keep a bad record as its producer wrote it', async () => {
    const partition = partitionOf(byteString(Buffer.from('ATM-4')), PARTITIONS);
    await client.produce(stage.topic.name, partition, [
      { key: byteString(Buffer.from('ATM-4')), value: byteString(Buffer.from('{')), headers: {} },
    ]);
    const letter = await until({ what: 'the dead letter is there', timeoutMs: PHASE_MS }, async () => {
      const [row] = await stage.ledger.rows<{ headers: string | null }>(
        'select headers from signalbox.dead_letters',
      );
      return row ?? null;
    });
    assert.equal(letter.headers, null);
  });

  traced('go on when the worker dies in a call and another one takes the transaction over', async () => {
    await produce('T-stuck', 'ATM-5', SAMPLED);
    await until(
      { what: 'the call is under way', timeoutMs: PHASE_MS },
      () => participant.sent('T-stuck', 'execute').length > 0,
    );
    await until({ what: 'the begin has come', timeoutMs: PHASE_MS }, () =>
      collector.of('T-stuck').some(({ name }) => name === 'begin'),
    );
    stage.fleet.signal('one', 'SIGKILL');
    await stage.fleet.start('two');
    const spans = await spansOf('T-stuck');
    const root = named(spans, 'process transactions');
    assert.equal(root.traceId, TRACE);
    assert.equal(root.parentSpanId, PARENT);
    assertTree(spans, root);
    const by = (name: string) => named(spans, name).worker;
    assert.equal(by('begin'), 'one');
    for (const name of ['take over', 'status', 'finish', 'process transactions', 'result']) {
      assert.equal(by(name), 'two', name);
    }
    const asked = participant.sent('T-stuck', 'status').at(-1);
    assert.equal(asked, `00-${TRACE}-${named(spans, 'status').spanId}-01`);
  });
});
