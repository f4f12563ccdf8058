/**
 * The demo's traffic: withdrawals at a skewed set of locations, in waves like a busy hour.
 * T1 One send at a time, sent again until it is acknowledged: the order of a location's records is the order of
 *    their sequence numbers, and every id given to `onProduced` is on the topic.
 * T2 Nothing is produced while `mayProduce` is false: the backlog of an overloaded demo stays bounded.
 */
import type { TransactionSender, World } from '../engine/ports.ts';

export interface ProducedRecord {
  readonly id: string;
  readonly location: string;
  /** Grows with each record of this demo, over all its starts. */
  readonly sequence: number;
  readonly producedAtMs: number;
}

export interface TrafficOptions {
  readonly world: World;
  readonly sender: TransactionSender;
  readonly locations: readonly string[];
  /** Transactions a second, in the mean over a wave. */
  readonly rate: number;
  readonly firstSequence: number;
  readonly mayProduce: () => boolean;
  readonly onProduced: (records: readonly ProducedRecord[]) => void;
  readonly onProblem: (error: unknown) => void;
}

const TICK_MS = 100;
/** A batch after a pause is cut to this: the demo does not make up for the time it stood still. */
const BATCH_MAX = 500;
/** One wave of the busy hour, told in two minutes. */
const WAVE_MS = 120_000;
const WAVE_HEIGHT = 0.4;
const RETRY_MS = 500;

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #shares: readonly number[];
  #sequence: number;
  #owed = 0;
  #stopped = false;
  #running: Promise<void> | null = null;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#shares = cumulated(skewedShares(options.locations.length, options.rate));
    this.#sequence = options.firstSequence;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is on its way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { world, rate, mayProduce } = this.#options;
    let last = world.monotonic();
    while (!this.#stopped) {
      await this.#wait(TICK_MS);
      const now = world.monotonic();
      const wave = 1 + WAVE_HEIGHT * Math.sin((2 * Math.PI * now) / WAVE_MS);
      this.#owed = mayProduce() ? Math.min(BATCH_MAX, this.#owed + (rate * wave * (now - last)) / 1000) : 0;
      last = now;
      const count = Math.floor(this.#owed);
      this.#owed -= count;
      if (count > 0 && !this.#stopped) await this.#produce(count);
    }
  }

  async #produce(count: number): Promise<void> {
    const { world, sender, onProduced, onProblem } = this.#options;
    const records = Array.from({ length: count }, () => this.#next());
    const messages = records.map((record) => ({ key: record.location, value: this.#value(record) }));
    for (;;) {
      try {
        await sender.send(messages);
        break;
      } catch (error) {
        onProblem(error);
        if (this.#stopped) return;
        await this.#wait(RETRY_MS);
      }
    }
    onProduced(records.map((record) => ({ ...record, producedAtMs: world.now() })));
  }

  #next(): ProducedRecord {
    const { world, locations } = this.#options;
    const location = locations[indexOf(this.#shares, world.random())] ?? 'ATM-0001';
    this.#sequence += 1;
    const producedAtMs = world.now();
    return {
      id: timeSortedId(producedAtMs, this.#sequence, world.random()),
      location,
      sequence: this.#sequence,
      producedAtMs,
    };
  }

  #value({ id }: ProducedRecord): Buffer {
    const notes = 1 + Math.floor(this.#options.world.random() * 19);
    return Buffer.from(
      JSON.stringify({ id, type: 'withdraw', data: { amount: notes * 2_000, currency: 'EUR' } }),
    );
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.world.after(ms, resolve));
  }
}

/** Sorts by time as text: milliseconds, then sequence, then a random tail against a second demo. */
export function timeSortedId(atMs: number, sequence: number, random: number): string {
  const base = (value: number, length: number) =>
    Math.floor(value).toString(36).padStart(length, '0').slice(-length);
  return `${base(atMs, 9)}-${base(sequence, 5)}-${base(random * 36 ** 4, 4)}`.toUpperCase();
}

/** A dispenser takes 0.4 s in the mean; a location that gets more than this a second would never be done. */
const LOCATION_RATE_MAX = 1.3;

/**
 * Share of the traffic of each location, summing to 1: a few busy ones, a long tail, none above what it can do
 * (where the rate allows that at all).
 */
export function skewedShares(count: number, rate: number): number[] {
  const cap = Math.max(LOCATION_RATE_MAX / rate, 1 / count);
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1) ** 0.7);
  let shares = scaled(weights, 1);
  // What is cut off at the top goes to the others; three rounds leave nothing worth moving.
  for (let round = 0; round < 3; round += 1) {
    const capped = shares.map((share) => Math.min(share, cap));
    const free = capped.map((share) => (share < cap ? share : 0));
    const missing = 1 - capped.reduce((sum, share) => sum + share, 0);
    const added = scaled(free, missing);
    shares = capped.map((share, index) => share + (added[index] ?? 0));
  }
  return scaled(shares, 1);
}

function scaled(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => (sum === 0 ? 0 : (weight * total) / sum));
}

function cumulated(shares: readonly number[]): number[] {
  let sum = 0;
  return shares.map((share) => {
    sum += share;
    return sum;
  });
}

/** First index whose cumulated share is above `point`. */
function indexOf(cumulatedShares: readonly number[], point: number): number {
  let low = 0;
  let high = cumulatedShares.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulatedShares[middle] ?? 1) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
