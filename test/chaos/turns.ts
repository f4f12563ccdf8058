/** One thing at a time is done to what has a name, in the order in which it was asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** A rejection is the caller's; the next turn comes all the same. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const done = before.then(work);
    this.#last.set(
      name,
      done.catch(() => undefined),
    );
    return done;
  }
}
