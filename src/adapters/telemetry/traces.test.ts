/** Spans around the ports: what they say, and that the ports stay what they were. The whole way is in test/integration. */
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { SimLedgerFixture } from '../../../test/conformance/sim-ledger.ts';
import { until } from '../../../test/rig/wait.ts';
import { ledgerConformance } from '../../conformance/ledger.ts';
import type { LedgerFixture } from '../../conformance/ledger-fixture.ts';
import type { Answer } from '../../core/answer.ts';
import type { SignalboxError } from '../../core/errors/catalogue.ts';
import { freePort } from '../../demo/free-port.ts';
import type { Participant, StepCall } from '../../engine/ports.ts';
import { NO_CHANGE } from '../../engine/ports-entries.ts';
import { type Begin, type Change, type Ledger, LedgerError, type Row } from '../../engine/ports-ledger.ts';
import { realWorld } from '../node/world.ts';
import { type EndedSpan, OtlpSpans } from './span-exporter.ts';
import { newTraceparent, transactionSpan } from './trace-context.ts';
import { tracedLedger } from './traced-ledger.ts';
import { tracedParticipant } from './traced-participant.ts';
import { Traces } from './traces.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SAMPLED = `00-${TRACE}-00f067aa0ba902b7-01`;
const UNSAMPLED = `00-${TRACE}-00f067aa0ba902b7-00`;

function tracing(): { readonly spans: EndedSpan[]; readonly traces: Traces } {
  const spans: EndedSpan[] = [];
  const sink = { ended: (span: EndedSpan) => void spans.push(span) };
  return { spans, traces: new Traces({ sink, world: realWorld(), topic: 't', system: 'kafka' }) };
}

describe('the span of a transaction', () => {
  it('is the same for every worker, and another for each transaction of one producer’s span', () => {
    const span = transactionSpan(SAMPLED, 'T-1');
    assert.deepEqual(span, transactionSpan(SAMPLED, 'T-1'));
    assert.equal(span?.parentId, '00f067aa0ba902b7');
    assert.match(span.spanId, /^[0-9a-f]{16}$/);
    assert.notEqual(span.spanId, transactionSpan(SAMPLED, 'T-2')?.spanId);
  });

  it('is the root where the record brought no trace', () => {
    const traceparent = newTraceparent();
    const span = transactionSpan(traceparent, 'T-1');
    assert.equal(span?.parentId, null);
    assert.equal(traceparent, `00-${span.traceId}-${span.spanId}-01`);
  });

  it('is none where the producer does not sample', () => {
    assert.equal(transactionSpan(UNSAMPLED, 'T-1'), null);
    assert.equal(transactionSpan(null, 'T-1'), null);
  });
});

/** The simulated ledger with spans around each object that is opened. */
async function tracedFixture(): Promise<LedgerFixture> {
  const fixture = new SimLedgerFixture();
  const around = (ledger: Ledger) => tracedLedger(ledger, tracing().traces, 'w');
  return {
    open: async (identity) => around(await fixture.open(identity)),
    setLocation: (location, settings) => fixture.setLocation(location, settings),
    counters: (topic, partition) => fixture.counters(topic, partition),
    history: (id) => fixture.history(id),
    propose: (topic, command) => fixture.propose(topic, command),
    outcomeOf: (command) => fixture.outcomeOf(command),
    openLossy: async (identity) => {
      const lossy = await fixture.openLossy(identity);
      return { ...lossy, ledger: around(lossy.ledger) };
    },
    close: () => fixture.close(),
  };
}

ledgerConformance('the simulated ledger with spans around it', tracedFixture);

const BEGIN: Begin = {
  kind: 'begin',
  partition: 0,
  offset: 7,
  id: 'T-1',
  location: 'A',
  slot: 1,
  type: 'x',
  payload: '{}' as Begin['payload'],
  plan: '1:apply',
  timeoutMs: 1,
  deadlineMs: 1,
  expiresAtMs: null,
  concurrency: 1,
  traceparent: SAMPLED,
  recordTimeMs: 0,
};
const CHANGE: Change = {
  ...NO_CHANGE,
  partition: 0,
  id: 'T-1',
  fromState: 'executing',
  fromToken: '1',
  event: 'done',
  to: 'completed',
};
const DONE: Answer = { outcome: 'done', evidence: {} };

describe('traced ledger', () => {
  it('tells the outcome when the answer of its commit was lost and the row shows it', async () => {
    const { spans, traces } = tracing();
    let lost = false;
    const inner = {
      commit: async () => {
        if (lost) throw new LedgerError('lost', 'gone');
        return { atMs: 0, fenced: [], answers: [{ status: 'done', token: '1', notAfterMs: 0 }] };
      },
      read: async () => [
        { id: 'T-1', state: 'completed', reason: null, finishedAtMs: Date.now() + 5 } as Row,
      ],
    } as unknown as Ledger;
    const ledger = tracedLedger(inner, traces, 'w');
    traces.arrived(0, 7);
    await ledger.commit({ heads: [], entries: [BEGIN] });
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['lane', 'begin'],
    );
    lost = true;
    await assert.rejects(ledger.commit({ heads: [], entries: [CHANGE] }), LedgerError);
    assert.equal(spans.at(-1)?.error, 'commit lost');
    await ledger.read(['T-1']);
    await ledger.read(['T-1']);
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['lane', 'begin', 'change', 'process t'],
    );
    assert.equal(spans.at(-1)?.attributes['signalbox.outcome'], 'completed');
    assert.ok(spans.every(({ traceId }) => traceId === TRACE));
  });

  it('keeps what it remembers within bounds', () => {
    const { traces } = tracing();
    for (let offset = 0; offset <= 65_536; offset += 1) traces.arrived(0, offset);
    assert.equal(traces.arrivalOf(0, 0, { forget: false }), null);
    assert.ok(traces.arrivalOf(0, 65_536, { forget: true }) !== null);
    assert.equal(traces.arrivalOf(0, 65_536, { forget: false }), null);
    const open = { traceparent: SAMPLED, location: 'A', type: null, partition: 0, sinceMs: 0 };
    for (let n = 0; n <= 50_000; n += 1) traces.opened({ ...open, id: `T-${n}` });
    assert.equal(traces.get('T-0'), undefined);
    assert.ok(traces.get('T-50000') !== undefined);
  });
});

describe('traced participant', () => {
  const asked: StepCall[] = [];
  const execute = (call: StepCall): Answer => {
    asked.push(call);
    return DONE;
  };
  const inner = { execute } as unknown as Participant;
  const call = {
    traceparent: SAMPLED,
    transaction: 'T-1',
    step: 'apply',
    location: 'A',
    slot: 1,
    token: '9',
  } as StepCall;

  it('answers at once where the participant does, and hands its own span on', () => {
    const { spans, traces } = tracing();
    assert.equal(tracedParticipant(inner, traces).execute(call), DONE);
    const [span] = spans;
    assert.equal(asked.at(-1)?.traceparent, `00-${TRACE}-${span?.spanId}-01`);
    assert.equal(span?.parentId, transactionSpan(SAMPLED, 'T-1')?.spanId);
  });

  it('leaves a call alone that is not sampled', () => {
    const { spans, traces } = tracing();
    const plain = { ...call, traceparent: UNSAMPLED };
    tracedParticipant(inner, traces).execute(plain);
    assert.equal(asked.at(-1), plain);
    assert.equal(spans.length, 0);
  });
});

function exporterTo(url: string) {
  const problems: SignalboxError[] = [];
  const onProblem = (error: SignalboxError) => void problems.push(error);
  const sink = new OtlpSpans({ url, serviceName: 's', worker: 'w', version: '1', onProblem });
  const traces = new Traces({ sink, world: realWorld(), topic: 't', system: 'kafka' });
  const of = { ...transactionSpan(SAMPLED, 'T-1'), id: 'T-1' } as Parameters<Traces['child']>[0];
  traces.child(of, { name: 'begin', startMs: 0, endMs: 1 });
  return { problems, sink };
}

describe('span exporter', () => {
  it('sends the headers of OTEL_EXPORTER_OTLP_HEADERS, such as a key', async () => {
    const heard: IncomingHttpHeaders[] = [];
    const collector = createServer((request, response) => {
      heard.push(request.headers);
      request.resume();
      response.end('{}');
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    process.env.OTEL_EXPORTER_OTLP_HEADERS = 'x-key=secret';
    const { sink, problems } = exporterTo(`http://127.0.0.1:${(collector.address() as AddressInfo).port}/`);
    delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
    await sink.close();
    assert.equal(heard[0]?.['x-key'], 'secret');
    assert.deepEqual(problems, []);
    collector.closeAllConnections();
    await new Promise((resolve) => collector.close(resolve));
  });

  it('does not wait at its end for a collector that does not answer', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { sink } = exporterTo(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const startedMs = performance.now();
    await sink.close();
    assert.ok(performance.now() - startedMs < 4_500);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });

  it('tells that the collector is away', async () => {
    const { problems, sink } = exporterTo(`http://127.0.0.1:${await freePort()}`);
    await until({ what: 'the failure is told', timeoutMs: 20_000 }, () => problems.length > 0);
    await sink.close();
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['SB-5011'],
    );
    assert.match(problems[0]?.detail ?? '', /^1 spans: /);
  });
});
