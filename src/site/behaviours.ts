/**
 * How the simulated site misbehaves, as data, and the choice of a behaviour for one key.
 * B1 the choice for a key depends on seed, key, kind and rates only: the same run repeats itself.
 * B2 a behaviour meets the first call of its kind for a key; later calls get what is on record.
 */
import { hash } from 'node:crypto';
import type { CallKind } from '../core/answer.ts';

export interface Behaviours {
  /** An effect takes this long, evenly spread, in ms. */
  readonly delayMs: readonly [from: number, to: number];
  /** Time of a slow effect or of a late request, in ms: longer than the step time-out of the test. */
  readonly slowMs: readonly [from: number, to: number];
  /** Share of executes that are refused for a reason of the business. */
  readonly refusalRate: number;
  /** The effect happens, the connection is destroyed instead of an answer. */
  readonly lostAnswerRate: number;
  /** The request is lost on its way: nothing happens, the connection is destroyed. */
  readonly lostRequestRate: number;
  /** The effect takes `slowMs`. */
  readonly slowRate: number;
  /** The request arrives `slowMs` late, perhaps after a fencing status. */
  readonly lateRate: number;
  /** The effect happens, the answer is not of the contract. */
  readonly garbageRate: number;
  /** Status 500 and nothing done. */
  readonly errorRate: number;
  /** `retry` and nothing done. */
  readonly retryRate: number;
  /** `pending` at once, the effect happens behind it. */
  readonly pendingRate: number;
  /** A reversal is refused: for a person to decide. */
  readonly refuseReverseRate: number;
  /** The first status or reverse of a key is carried out and its answer lost. */
  readonly askLostRate: number;
}

export const QUIET: Behaviours = {
  delayMs: [50, 800],
  slowMs: [15_000, 25_000],
  refusalRate: 0,
  lostAnswerRate: 0,
  lostRequestRate: 0,
  slowRate: 0,
  lateRate: 0,
  garbageRate: 0,
  errorRate: 0,
  retryRate: 0,
  pendingRate: 0,
  refuseReverseRate: 0,
  askLostRate: 0,
};

/** What happens to one request. */
export type Behaviour =
  | 'plain'
  | 'refuse'
  | 'lose answer'
  | 'lose request'
  | 'slow'
  | 'late'
  | 'garbage'
  | 'error'
  | 'retry'
  | 'pending'
  | 'refuse reverse';

type RateName = { [K in keyof Behaviours]: Behaviours[K] extends number ? K : never }[keyof Behaviours];

/** In this order their rates divide the range from 0 to 1. */
const EXECUTE: readonly (readonly [RateName, Behaviour])[] = [
  ['refusalRate', 'refuse'],
  ['lostAnswerRate', 'lose answer'],
  ['lostRequestRate', 'lose request'],
  ['slowRate', 'slow'],
  ['lateRate', 'late'],
  ['garbageRate', 'garbage'],
  ['errorRate', 'error'],
  ['retryRate', 'retry'],
  ['pendingRate', 'pending'],
];
const STATUS: typeof EXECUTE = [['askLostRate', 'lose answer']];
const REVERSE: typeof EXECUTE = [
  ['refuseReverseRate', 'refuse reverse'],
  ['askLostRate', 'lose answer'],
];
const BY_KIND = { execute: EXECUTE, status: STATUS, reverse: REVERSE } as const;

/** 0 <= x < 1, even, the same for the same seed and text. */
function chance(seed: string, text: string): number {
  return Number.parseInt(hash('sha256', `${seed}\n${text}`).slice(0, 8), 16) / 2 ** 32;
}

export function behaviourOf(behaviours: Behaviours, seed: string, kind: CallKind, key: string): Behaviour {
  const choices = BY_KIND[kind];
  if (choices.every(([rate]) => behaviours[rate] === 0)) return 'plain';
  let left = chance(seed, `${kind} ${key}`);
  for (const [rate, behaviour] of choices) {
    left -= behaviours[rate];
    if (left < 0) return behaviour;
  }
  return 'plain';
}

/** Evenly within [from, to], the same for the same seed and text. */
export function within([from, to]: readonly [number, number], seed: string, text: string): number {
  return from === to ? from : from + (to - from) * chance(seed, text);
}

/** The behaviours with the given ones over them. Throws TypeError naming a field that is unknown or out of range. */
export function withBehaviours(base: Behaviours, over: Readonly<Record<string, unknown>>): Behaviours {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const known = (base as unknown as Record<string, unknown>)[name];
    const good = typeof known === 'number' ? isRate(value) : Array.isArray(known) && isRange(value);
    if (!good) throw new TypeError(`${name}: a rate is 0 to 1, a range is [from, to] in ms`);
    merged[name] = value;
  }
  const all = merged as unknown as Behaviours;
  if (EXECUTE.reduce((sum, [rate]) => sum + all[rate], 0) > 1 + 1e-9) {
    throw new TypeError('the rates of execute add up to more than 1');
  }
  return all;
}

function isRate(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function isRange(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [from, to] = value as unknown[];
  return typeof from === 'number' && typeof to === 'number' && from >= 0 && to >= from && to <= 2 ** 31 - 1;
}
