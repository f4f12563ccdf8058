/**
 * What operators set for a location, as the workers apply it (engine/limits.ts, LM1 and LM2): its own limit comes
 * before one by pattern, the pattern with more literal characters before another; any pause that fits holds. Pure.
 */
import { literalsOf, matches } from '../../core/pattern.ts';

/** A row of `locations`: for a location, or for a pattern. */
export interface LimitRow {
  readonly location: string;
  readonly concurrency: number | null;
  readonly paused: boolean;
  readonly reason: string | null;
  readonly actor: string | null;
}

export interface EffectiveLimit {
  /** Null: as configured. */
  readonly concurrency: number | null;
  /** The row that pauses the location, its own before others; null: none does. */
  readonly pause: LimitRow | null;
}

/** `own`: the row of the very location; null when there is none. */
export function effectiveLimit(
  location: string,
  { own, patterns }: { readonly own: LimitRow | null; readonly patterns: readonly LimitRow[] },
): EffectiveLimit {
  const fitting = patterns
    .filter((limit) => matches(limit.location, location))
    .sort((a, b) => literalsOf(b.location) - literalsOf(a.location) || (a.location < b.location ? -1 : 1));
  const all = own === null ? fitting : [own, ...fitting];
  return {
    concurrency: all.find(({ concurrency }) => concurrency !== null)?.concurrency ?? null,
    pause: all.find(({ paused }) => paused) ?? null,
  };
}
