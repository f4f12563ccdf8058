/**
 * So many tries a minute for each address, then none until the minute is over.
 * T1 Bounded: beyond ADDRESSES_MAX addresses in one minute all new ones share one count.
 */

const MINUTE_MS = 60_000;
const ADDRESSES_MAX = 10_000;

export class Throttle {
  readonly #max: number;
  readonly #clock: () => number;
  readonly #tries = new Map<string, number>();
  #minute = 0;

  /** `clock` is monotonic, in ms. */
  constructor(max: number, clock: () => number) {
    this.#max = max;
    this.#clock = clock;
  }

  /** Seconds until another try is allowed; 0: now. */
  waitOf(address: string): number {
    const left = this.#turn();
    return this.#count(address) < this.#max ? 0 : Math.ceil(left / 1000);
  }

  note(address: string): void {
    this.#turn();
    this.#tries.set(this.#keyOf(address), this.#count(address) + 1);
  }

  #count(address: string): number {
    return this.#tries.get(this.#keyOf(address)) ?? 0;
  }

  #keyOf(address: string): string {
    return this.#tries.has(address) || this.#tries.size < ADDRESSES_MAX ? address : 'others';
  }

  /** Ms of the minute that are left. */
  #turn(): number {
    const nowMs = this.#clock();
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#tries.clear();
    }
    return (minute + 1) * MINUTE_MS - nowMs;
  }
}
