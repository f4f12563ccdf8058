import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Series, SPAN_MS } from './series.ts';

const done = { state: 'completed', ms: 40 } as const;
const back = { state: 'rolled_back', ms: 900 } as const;

test('outcomes are counted in the span in which they came', () => {
  const series = new Series();
  series.finished(done, 5);
  series.finished(back, SPAN_MS - 1);
  series.finished(done, SPAN_MS);
  const spans = series.spans(SPAN_MS + 1);
  assert.deepEqual(
    spans.map(({ atMs, completed, rolledBack }) => [atMs, completed, rolledBack]),
    [
      [0, 1, 1],
      [SPAN_MS, 1, 0],
    ],
  );
  assert.equal(
    spans[0]?.latency.reduce((sum, count) => sum + count, 0),
    2,
  );
});

test('a span is given again, whole, until it has been written and is over', () => {
  const series = new Series();
  series.finished(done, 1);
  const first = series.spans(2);
  series.written(first);
  series.finished(done, 3);
  const second = series.spans(SPAN_MS + 1);
  assert.deepEqual(
    second.map(({ atMs, completed }) => [atMs, completed]),
    [
      [0, 2],
      [SPAN_MS, 0],
    ],
  );
  series.written(second);
  assert.deepEqual(
    series.spans(SPAN_MS + 2).map(({ atMs }) => atMs),
    [SPAN_MS],
  );
});

test('while the ledger is away the oldest spans are forgotten', () => {
  const series = new Series();
  for (let span = 0; span < 100; span += 1) series.finished(done, span * SPAN_MS);
  const spans = series.spans(99 * SPAN_MS);
  assert.equal(spans.length, 60);
  assert.equal(spans[0]?.atMs, 40 * SPAN_MS);
});
