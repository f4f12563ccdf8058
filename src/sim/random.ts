/** A seeded stream of random numbers (sfc32, 128 bits of state; by Chris Doty-Humphrey, public domain). */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  /** Faults that have happened. */
  struck = 0;

  /** Streams of the same seed and name are the same; other names give independent ones. */
  constructor(seed: number, name: string) {
    let hash = 0x811c9dc5 ^ seed;
    for (let index = 0; index < name.length; index += 1)
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
    this.#a = hash | 0;
    this.#b = Math.imul(hash, 0x9e3779b1) | 0;
    this.#c = seed | 0;
    for (let index = 0; index < 15; index += 1) this.next();
  }

  /** 0 <= x < 1 */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  }

  /** Whole number, low <= n <= high. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** The same for a fault, which is counted when it happens. */
  strikes(probability: number): boolean {
    const struck = this.chance(probability);
    if (struck) this.struck += 1;
    return struck;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}
