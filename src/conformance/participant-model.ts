/**
 * The rules for participants in their plainest form, for effects that take no time: what random histories are
 * compared with. Written apart from every implementation.
 */
import type { CallKind } from '../core/answer.ts';

export class ParticipantModel {
  readonly #marks = new Map<number, readonly [token: bigint, key: string]>();
  readonly #done = new Set<string>();
  readonly #reversed = new Set<string>();

  /** The outcome, for stale with the mark behind it. */
  call(kind: CallKind, { key, slot, token }: { key: string; slot: number; token: bigint }): string {
    const [mark, by] = this.#marks.get(slot) ?? [-1n, ''];
    if (token < mark || (token === mark && by !== key)) return `stale ${mark}`;
    this.#marks.set(slot, [token, key]);
    if (kind === 'reverse') this.#reversed.add(key);
    if (this.#reversed.has(key)) return 'reversed';
    if (kind === 'execute') this.#done.add(key);
    return this.#done.has(key) ? 'done' : 'never';
  }
}

export interface RandomCall {
  readonly kind: CallKind;
  readonly keyIndex: number;
  readonly slot: number;
  readonly token: bigint;
}

/**
 * Calls in two slots with tokens that mostly grow, across 9 to 10 and 99 to 100, and often repeat or lie below.
 * The same for the same seed.
 */
export function* randomCalls(seed: number, size: { calls: number; keys: number }): Generator<RandomCall> {
  const random = randomFrom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  let highest = [4, 94][seed % 2] ?? 4;
  for (let i = 0; i < size.calls; i++) {
    const kind = (['execute', 'execute', 'status', 'reverse'] as const)[pick(4)] ?? 'execute';
    const token = Math.max(0, highest + pick(5) - 3);
    highest = Math.max(highest, token);
    yield { kind, keyIndex: pick(size.keys), slot: 1 + pick(2), token: BigInt(token) };
  }
}

/** mulberry32: 0 <= x < 1. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
