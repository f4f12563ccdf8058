import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';
import type { Heartbeat } from '../../engine/ports-ledger.ts';
import { LogObserver } from './log-observer.ts';
import { createLogger, shortLine } from './logger.ts';
import { Metrics } from './metrics.ts';
import { observers } from './observers.ts';

function setup(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const world: World = {
    now: () => clock.ms,
    monotonic: () => clock.ms,
    after: () => ({ cancel: () => undefined }),
    soon: (run) => run(),
    random: () => 0.5,
    rssBytes: () => 0,
  };
  const log = createLogger({ level, worker: 'w-1', pretty: false, write: (line) => lines.push(line) });
  return {
    lines,
    clock,
    observer: new LogObserver(log, world),
    fields: () => lines.map((line) => JSON.parse(line)),
  };
}

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('LogObserver', () => {
  it('writes a problem with code, detail and remedy', () => {
    const { observer, fields } = setup();
    observer.problem(new SignalboxError('SB-2001', 'db:5432'), { partition: 3 });
    const [line] = fields();
    assert.equal(line.level, 'warn');
    assert.equal(line.worker, 'w-1');
    assert.equal(line.code, 'SB-2001');
    assert.equal(line.detail, 'db:5432');
    assert.equal(line.partition, 3);
    assert.equal(line.msg, 'The ledger cannot be reached.');
    assert.match(line.remedy, /DATABASE_URL/);
  });

  it('writes the same problem once in ten seconds and then says how many were left out', () => {
    const { observer, fields, clock } = setup();
    const problem = () => observer.problem(new SignalboxError('SB-2001'), {});
    problem();
    problem();
    problem();
    observer.problem(new SignalboxError('SB-2001'), { partition: 1 });
    assert.equal(fields().length, 2);
    clock.ms = 10_000;
    problem();
    assert.equal(fields()[2].leftOut, 2);
  });

  it('keeps ordinary work on level debug', () => {
    const quiet = setup();
    const loud = setup('debug');
    for (const { observer } of [quiet, loud]) {
      observer.called({
        call: 'execute',
        outcome: 'done',
        id: 'x',
        location: 'A',
        ms: 1,
        traceparent: TRACEPARENT,
      });
      observer.committed({ entries: 1, ms: 1 });
      observer.finished({ id: 'x', location: 'A', state: 'completed', ms: 3, traceparent: null });
    }
    assert.equal(quiet.lines.length, 0);
    assert.equal(loud.lines.length, 3);
    const [called, , finished] = loud.fields();
    assert.equal(called.trace_id, '4bf92f3577b34da6a3ce929d0e0e4736');
    assert.ok(!('trace_id' in finished) && !('traceparent' in called));
  });

  it('writes hand-overs, and those that went wrong as warnings', () => {
    const { observer, fields } = setup();
    observer.handOver({ partition: 1, what: 'taken-over', epoch: 4, holders: 0, ms: 12.4 });
    observer.handOver({ partition: 1, what: 'fenced', epoch: 4, holders: 0, ms: 0 });
    assert.deepEqual(
      fields().map(({ level, msg }) => [level, msg]),
      [
        ['info', 'partition 1 taken over'],
        ['warn', 'partition 1 fenced'],
      ],
    );
  });
});

describe('shortLine', () => {
  it('shows time, message, code, fields and the remedy below', () => {
    const line = shortLine(
      '{"level":"warn","time":"2026-11-25T12:01:05.000Z","worker":"w","code":"SB-2001","detail":"db","remedy":"Do.","n":1,"msg":"Away."}',
    );
    const plain = line.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');
    assert.equal(plain, '12:01:05 ! Away. SB-2001 db n=1\n           Do.\n');
  });

  it('leaves a line that is not JSON as it is', () => {
    assert.equal(shortLine('x\n'), 'x\n');
  });
});

describe('Metrics', () => {
  it('counts through several observers at once and reads gauges when asked', async () => {
    const metrics = new Metrics('1.2.3');
    const other = new Metrics('1.2.3');
    const both = observers(metrics, other);
    const snapshot: Heartbeat = {
      version: '1.2.3',
      startedAtMs: 0,
      draining: false,
      partitions: [0, 4],
      waiting: 17,
      parked: 6,
      lanes: 5,
      rssBytes: 1,
      lag: { 0: 3, 4: 9 },
      deepest: {},
    };
    metrics.watch({ health: () => ({ ready: true, problems: [] }), snapshot: () => snapshot });
    both.finished({ id: 'a', location: 'A', state: 'completed', ms: 20, traceparent: null });
    both.finished({ id: 'b', location: 'A', state: 'rolled_back', ms: 2_000, traceparent: null });
    both.called({ call: 'execute', outcome: 'done', id: 'a', location: 'A', ms: 4, traceparent: null });
    both.committed({ entries: 7, ms: 2 });
    both.deadLetter({ partition: 0, offset: 1, code: 'SB-1101' });
    both.problem(new SignalboxError('SB-3001'), {});
    both.handOver({ partition: 0, what: 'drained', epoch: 1, holders: 0, ms: 1 });
    const text = await metrics.text();
    for (const line of [
      'signalbox_info{version="1.2.3"} 1',
      'signalbox_transactions_finished_total{outcome="completed"} 1',
      'signalbox_transactions_finished_total{outcome="rolled_back"} 1',
      'signalbox_outcome_seconds_bucket{le="0.025"} 1',
      'signalbox_outcome_seconds_count 2',
      'signalbox_call_seconds_count{call="execute",outcome="done"} 1',
      'signalbox_commit_entries_total 7',
      'signalbox_dead_letters_total{code="SB-1101"} 1',
      'signalbox_problems_total{code="SB-3001"} 1',
      'signalbox_hand_overs_total{what="drained"} 1',
      'signalbox_ready 1',
      'signalbox_waiting_records 17',
      'signalbox_partitions 2',
      'signalbox_partition_lag{partition="4"} 9',
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
    assert.ok(
      (await other.text()).includes('signalbox_transactions_finished_total{outcome="completed"} 1\n'),
    );
  });
});
