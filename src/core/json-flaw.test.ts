import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEPTH_MAX, findFlaw } from './json-flaw.ts';

test('plain JSON has no flaw', () => {
  const value = { a: [1, -0, 1.5e308, 'é😀', true, null, {}], b: { '': 'x', __proto__: null } };
  assert.equal(findFlaw(value), null);
  assert.equal(findFlaw(JSON.parse('{"__proto__":{"x":1}}')), null);
});

test('every text counts, keys and those under __proto__ too', () => {
  const cases: [unknown, string][] = [
    [{ data: { note: 'a\0' } }, 'U+0000 at data.note'],
    [{ data: [1, { 'a\0': 1 }] }, 'U+0000 at data[1]["a\\u0000"]'],
    [{ data: '\ud800' }, 'a lone surrogate at data'],
    [{ '\udc00': 1 }, 'a lone surrogate at ["\\udc00"]'],
    [JSON.parse('{"__proto__":{"x":"\\u0000"}}'), 'U+0000 at __proto__.x'],
    ['\0', 'U+0000'],
  ];
  for (const [value, detail] of cases) assert.deepEqual(findFlaw(value), { code: 'SB-1108', detail });
});

test('a number beyond a double', () => {
  assert.deepEqual(findFlaw(JSON.parse('{"n":[1e400]}')), {
    code: 'SB-1109',
    detail: 'a number beyond a double at n[0]',
  });
  assert.equal(findFlaw({ n: Number.NaN })?.code, 'SB-1109');
  assert.equal(findFlaw(JSON.parse('{"n":12345678901234567890}')), null);
});

test('depth is bounded to the container', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  assert.equal(findFlaw(nested(DEPTH_MAX)), null);
  assert.match(findFlaw(nested(DEPTH_MAX + 1))?.detail ?? '', /^nested deeper than 512 at \[0\]/);
  assert.equal(findFlaw(nested(100_000))?.code, 'SB-1106');
});

test('breadth does not count as depth', () => {
  assert.equal(findFlaw(Array.from({ length: 5_000 }, () => ({ a: [] }))), null);
});

test('what JSON.parse cannot give is not JSON', () => {
  for (const value of [
    undefined,
    1n,
    () => 1,
    Symbol('s'),
    new Date(0),
    new Map(),
    new Array(2),
    { a: undefined },
  ]) {
    assert.equal(findFlaw(value)?.code, 'SB-1106');
  }
});

test('ends on a cycle and on a graph with more paths than atoms', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  assert.equal(findFlaw(cycle)?.code, 'SB-1106');
  let graph: unknown = 'leaf';
  for (let level = 0; level < 300; level += 1) graph = [graph, graph];
  assert.match(findFlaw(graph)?.detail ?? '', /^more than 262144 values/);
});

test('a detail is bounded and holds no half of a pair', () => {
  let value: unknown = '\0';
  for (let level = 0; level < 100; level += 1) value = { '😀!': value };
  const detail = findFlaw(value)?.detail ?? '';
  assert.ok(detail.length < 250 && detail.isWellFormed(), detail);
});
