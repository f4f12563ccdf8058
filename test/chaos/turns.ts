/** One thing at a time is done to what has a name, in the order in which it was asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #taken = new Map<string, number>();

  /** Something is being done to it, or waits for its turn. */
  isTaken(name: string): boolean {
    return (this.#taken.get(name) ?? 0) > 0;
  }

  /** A rejection is the caller's; the next turn comes all the same. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1);
    const done = before.then(work).finally(() => this.#taken.set(name, (this.#taken.get(name) ?? 0) - 1));
    this.#last.set(
      name,
      done.catch(() => undefined),
    );
    return done;
  }
}
