import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTraceparent, readHeaders } from './record-headers.ts';

const headers = (...pairs: [string, string | null][]) =>
  readHeaders(pairs.map(([name, value]) => ({ name, value: value === null ? null : Buffer.from(value) })));

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('no headers, and headers of others', () => {
  for (const read of [
    headers(),
    headers(['x-app', 'y'], ['content-type', 'application/json'], ['traceparent', null]),
  ]) {
    assert.deepEqual([read.traceparent, read.mode, read.attributes.size], [null, 'plain', 0]);
  }
});

test('traceparent: W3C or nothing, the last one counts', () => {
  assert.equal(headers(['traceparent', TRACE]).traceparent, TRACE);
  assert.equal(headers(['traceparent', 'x'], ['traceparent', TRACE]).traceparent, TRACE);
  assert.equal(headers(['traceparent', TRACE], ['traceparent', 'x']).traceparent, null);
  for (const text of [
    '',
    TRACE.toUpperCase(),
    ` ${TRACE}`,
    `${TRACE}-00`,
    `${TRACE}\n`,
    TRACE.slice(0, -1),
    TRACE.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    TRACE.replace('00f067aa0ba902b7', '0'.repeat(16)),
    TRACE.replace(/^00/, 'ff'),
    TRACE.replace(/^00/, '01').concat('00'),
  ]) {
    assert.equal(parseTraceparent(text), null, JSON.stringify(text));
  }
});

test('traceparent of a newer version is handed on as 00', () => {
  assert.equal(parseTraceparent(TRACE.replace(/^00/, 'cc')), TRACE);
  assert.equal(parseTraceparent(`${TRACE.replace(/^00/, 'cc')}-what-the-future-brings`), TRACE);
});

test('binary mode: attributes without ce_, of one given twice the last', () => {
  const read = headers(
    ['ce_id', '1'],
    ['ce_id', '2'],
    ['ce_source', '/é'],
    ['content-type', 'application/json'],
  );
  assert.equal(read.mode, 'binary');
  assert.deepEqual(Object.fromEntries(read.attributes), { id: '2', source: '/é' });
});

test('structured mode goes before repeated attributes', () => {
  for (const type of ['application/cloudevents+json', 'application/CloudEvents+json; charset=utf-8']) {
    const read = headers(['ce_id', '1'], ['content-type', type], ['traceparent', TRACE]);
    assert.deepEqual([read.mode, read.attributes.size, read.traceparent], ['structured', 0, TRACE]);
  }
});
