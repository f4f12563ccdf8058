/**
 * The records of a work: 200 bytes of JSON each, the same for every peer and every run (seed 42), keyed by location.
 * Each is a transaction as Signalbox takes it, so that its worker and plain consumers read the same topic.
 */
import { partitionOf } from '../../src/core/murmur2.ts';
import { type Dataset, PARTITIONS, SEED } from './works.ts';

/** The note fills a record up to this. */
const RECORD_BYTES = 200;
const AMOUNT_MAX = 50_000;

export interface Made {
  readonly location: string;
  /** Its place among the records of its location, from 0. */
  readonly sequence: number;
  readonly amount: number;
}

/** What the checks have to know of a dataset. */
export interface Shape {
  /** Records of the location with the most. */
  readonly hottest: number;
  /** Records of a location. */
  readonly of: (location: string) => number;
  /** Where the first record of a location is. */
  readonly firstOf: (location: string) => { readonly partition: number; readonly offset: number };
}

/** The first `records` of the dataset, in order. */
export function* make(dataset: Dataset, records = dataset.records): Generator<Made> {
  const random = randomNumbers(SEED);
  const place = placesOf(dataset, random);
  const sequences = new Int32Array(dataset.locations);
  for (let number = 0; number < records; number += 1) {
    const index = place();
    const sequence = sequences[index] ?? 0;
    sequences[index] = sequence + 1;
    yield { location: nameOf(index), sequence, amount: 1 + Math.floor(random() * AMOUNT_MAX) };
  }
}

/** The bytes of a record; `timeMicros` is the Unix time at which it is handed to the producer. */
export function recordValue(number: number, made: Made, timeMicros: number): Buffer {
  const { location, sequence, amount } = made;
  const data = `{"number":${number},"location":"${location}","sequence":${sequence},"amount":${amount},"ts":${timeMicros}`;
  const head = `{"id":"t-${number}","type":"withdraw","data":${data},"note":"`;
  return Buffer.from(`${head.padEnd(RECORD_BYTES - 3, 'x')}"}}`);
}

export function shapeOf(dataset: Dataset, records: number): Shape {
  const counts = new Map<string, number>();
  const first = new Map<string, { partition: number; offset: number }>();
  const ends = new Int32Array(PARTITIONS);
  for (const { location } of make(dataset, records)) {
    const partition = partitionOf(location, PARTITIONS);
    const offset = ends[partition] ?? 0;
    ends[partition] = offset + 1;
    counts.set(location, (counts.get(location) ?? 0) + 1);
    if (!first.has(location)) first.set(location, { partition, offset });
  }
  return {
    hottest: Math.max(...counts.values()),
    of: (location) => counts.get(location) ?? 0,
    firstOf: (location) => first.get(location) ?? { partition: -1, offset: -1 },
  };
}

function nameOf(index: number): string {
  return `L${String(index).padStart(4, '0')}`;
}

/** Numbers from 0 to below 1: mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function placesOf({ locations, distribution }: Dataset, random: () => number): () => number {
  if (distribution === 'uniform') return () => Math.floor(random() * locations);
  const sums = new Float64Array(locations);
  let sum = 0;
  for (let index = 0; index < locations; index += 1) {
    sum += 1 / (index + 1);
    sums[index] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = locations - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
