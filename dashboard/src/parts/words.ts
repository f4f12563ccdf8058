/** Numbers, times and amounts as the page writes them. Pure. */
import type { Money } from '../api/types.ts';

/** `0.4 s`, `42 s`, `6 m 12 s`, `2 h 10 m`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return two(Math.floor(whole / 60), 'm', whole % 60, 's');
  if (whole < 86_400) return two(Math.floor(whole / 3_600), 'h', Math.floor((whole % 3_600) / 60), 'm');
  return two(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3_600), 'h');
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `14:02:07`, UTC. */
export function clock(time: string | number): string {
  return new Date(time).toISOString().slice(11, 19);
}

/** `14:02:07.310`, UTC. */
export function exactClock(time: string): string {
  return new Date(time).toISOString().slice(11, 23);
}

/** For a title: date and time, UTC. */
export function exact(time: string | number): string {
  return new Date(time).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

const counts = new Intl.NumberFormat('en-US');
export function count(value: number): string {
  return counts.format(value);
}

export function rate(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : count(Math.round(perSecond));
}

export function bytes(value: number): string {
  return `${Math.round(value / 1024 / 1024)} MB`;
}

const formats = new Map<string, Intl.NumberFormat>();

/** From minor units, with as many digits as the currency has. */
export function money({ amount, currency }: Money): string {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat('en-IE', { style: 'currency', currency });
    formats.set(currency, format);
  }
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

/** Sums by currency, the largest first. */
export function sums(amounts: readonly (Money | null)[]): string {
  const byCurrency = new Map<string, number>();
  for (const each of amounts) {
    if (each !== null) byCurrency.set(each.currency, (byCurrency.get(each.currency) ?? 0) + each.amount);
  }
  return [...byCurrency]
    .sort(([, a], [, b]) => b - a)
    .map(([currency, amount]) => money({ currency, amount }))
    .join(' + ');
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const SHORT = 8;
/** Up to so many characters an id is one that a person gave, and stays whole. */
const NAMED = 12;

/**
 * Ids are cut to eight characters: the first ones of a random UUID, the last ones of others, which often begin with the
 * time and would all look the same.
 */
export function short(id: string): string {
  if (id.length <= NAMED) return id;
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(id)
    ? id.slice(0, SHORT)
    : id.slice(-SHORT).replace(/^[^0-9A-Za-z]/, '');
}

export function partitionName(partition: number): string {
  return `P${String(partition).padStart(2, '0')}`;
}

/** `P00–P02, P05` */
export function partitionNames(partitions: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const partition of partitions.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === partition) last[1] = partition;
    else ranges.push([partition, partition]);
  }
  return ranges
    .map(([from, to]) => (from === to ? partitionName(from) : `${partitionName(from)}–${partitionName(to)}`))
    .join(', ');
}
