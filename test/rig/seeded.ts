/** Randomness from a seed (mulberry32): the same seed gives the same workload. */

export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 <= whole number < end */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

/** Picks positions 0 to count - 1, the first ones more often: the share of position i is as (i + 1) ** -skew. */
export function skewed(count: number, skew: number): (random: Seeded) => number {
  const sums: number[] = [];
  let sum = 0;
  for (let position = 0; position < count; position += 1) {
    sum += (position + 1) ** -skew;
    sums.push(sum);
  }
  return (random) => {
    const point = random.next() * sum;
    return Math.min(
      count - 1,
      sums.findIndex((upTo) => upTo > point),
    );
  };
}
