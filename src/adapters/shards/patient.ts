/**
 * Questions that a worker puts to every shard each second. A shard that is away, or does not answer in time, is left
 * out: what is asked of the others must not wait for it.
 */
import { LedgerError } from '../../engine/ports-ledger.ts';

/** Well below the time after which a worker counts as silent; a healthy answer takes milliseconds. */
const PATIENCE_MS = 2_000;

export class Patient {
  /** Shards that have not answered in time, with how many questions they still have. */
  readonly #late = new Map<number, number>();

  /** The answers by shard, and why the others have none. */
  async ask<T>(
    numbers: readonly number[],
    ask: (number: number) => Promise<T>,
  ): Promise<{
    readonly answers: ReadonlyMap<number, T>;
    readonly failures: ReadonlyMap<number, LedgerError>;
  }> {
    const settled = await Promise.allSettled(numbers.map((number) => this.#inTime(number, ask)));
    const answers = new Map<number, T>();
    const failures = new Map<number, LedgerError>();
    for (const [index, number] of numbers.entries()) {
      const each = settled[index];
      if (each?.status === 'fulfilled') answers.set(number, each.value);
      else if (each?.reason instanceof LedgerError) failures.set(number, each.reason);
      else throw each?.reason;
    }
    return { answers, failures };
  }

  async #inTime<T>(number: number, ask: (number: number) => Promise<T>): Promise<T> {
    if (this.#late.has(number)) throw late(number);
    const patience = Promise.withResolvers<never>();
    const answer = ask(number);
    const timer = setTimeout(() => {
      this.#wait(number, answer);
      patience.reject(late(number));
    }, PATIENCE_MS);
    try {
      return await Promise.race([answer, patience.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** It is not asked again until it has answered, whatever it says then. */
  #wait(number: number, answer: Promise<unknown>): void {
    this.#late.set(number, (this.#late.get(number) ?? 0) + 1);
    const answered = () => {
      const left = (this.#late.get(number) ?? 1) - 1;
      if (left === 0) this.#late.delete(number);
      else this.#late.set(number, left);
    };
    answer.then(answered, answered);
  }
}

function late(number: number): LedgerError {
  return new LedgerError('refused', `shard ${number} does not answer`);
}
