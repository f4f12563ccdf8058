/**
 * One read for many readers: an answer counts for `freshMs`, and while it is asked for again everybody waits for the one
 * question. A failure is told to those who wait, and counts for nobody else.
 */
import type { World } from '../engine/ports.ts';

export class Fresh<T> {
  readonly #ask: () => Promise<T>;
  readonly #world: Pick<World, 'monotonic'>;
  readonly #freshMs: number;
  #answer: { readonly value: T; readonly atMs: number } | null = null;
  #asking: Promise<T> | null = null;

  constructor(ask: () => Promise<T>, world: Pick<World, 'monotonic'>, freshMs: number) {
    this.#ask = ask;
    this.#world = world;
    this.#freshMs = freshMs;
  }

  async get(): Promise<T> {
    const answer = this.#answer;
    if (answer !== null && this.#world.monotonic() - answer.atMs < this.#freshMs) return answer.value;
    this.#asking ??= this.#read().finally(() => {
      this.#asking = null;
    });
    return await this.#asking;
  }

  async #read(): Promise<T> {
    const value = await this.#ask();
    this.#answer = { value, atMs: this.#world.monotonic() };
    return value;
  }
}
