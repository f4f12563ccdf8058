import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { isForwarded, onStopSignal } from './stop-signal.ts';

function setup(forwarded: boolean) {
  const source = new EventEmitter();
  const heard: string[] = [];
  const clock = { ms: 0 };
  onStopSignal({
    source: { on: (signal, listener) => source.on(signal, listener) },
    forwarded,
    now: () => clock.ms,
    onFirst: (signal) => void heard.push(`first ${signal}`),
    onSecond: () => void heard.push('second'),
  });
  return { source, heard, clock };
}

describe('onStopSignal', () => {
  it('drains on the first and ends on the second, at once', () => {
    const { source, heard } = setup(false);
    source.emit('SIGTERM');
    source.emit('SIGTERM');
    assert.deepEqual(heard, ['first SIGTERM', 'second']);
  });

  it('counts either signal', () => {
    const { source, heard } = setup(false);
    source.emit('SIGINT');
    source.emit('SIGTERM');
    assert.deepEqual(heard, ['first SIGINT', 'second']);
  });

  it('takes the echo of a launcher for the same signal, but not a later one', () => {
    const { source, heard, clock } = setup(true);
    source.emit('SIGINT');
    clock.ms = 20;
    source.emit('SIGINT');
    clock.ms = 2_000;
    source.emit('SIGINT');
    assert.deepEqual(heard, ['first SIGINT', 'second']);
  });

  it('knows npm, npx and our launcher', () => {
    assert.equal(isForwarded({ npm_command: 'start' }), true);
    assert.equal(isForwarded({ SIGNALBOX_LAUNCHED: '1' }), true);
    assert.equal(isForwarded({}), false);
  });
});
