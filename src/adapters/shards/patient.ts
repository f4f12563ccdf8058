/**
 * Questions that a worker puts to every shard each second. A shard that is away, or does not answer in time, is left
 * out: what is asked of the others must not wait for it.
 */
import { LedgerError } from '../../engine/ports-ledger.ts';

/** Well below the time after which a worker counts as silent; a healthy answer takes milliseconds. */
const PATIENCE_MS = 2_000;

export class Patient {
  /** Shards that have not answered the question before. */
  readonly #busy = new Set<number>();

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
    if (this.#busy.has(number)) throw late(number);
    this.#busy.add(number);
    const answer = ask(number).finally(() => this.#busy.delete(number));
    const patience = Promise.withResolvers<never>();
    const timer = setTimeout(() => patience.reject(late(number)), PATIENCE_MS);
    try {
      return await Promise.race([answer, patience.promise]);
    } finally {
      clearTimeout(timer);
      answer.catch(() => undefined); // an answer after its time has nobody to hear it
    }
  }
}

function late(number: number): LedgerError {
  return new LedgerError('refused', `shard ${number} does not answer`);
}
