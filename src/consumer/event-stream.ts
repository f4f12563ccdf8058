/**
 * Events for whoever iterates, each reader its own.
 * E1 A reader that does not read loses the oldest: nobody who watches may stop the work.
 */
const KEPT_MAX = 1_000;

interface Reader<T> {
  readonly kept: T[];
  wake: (() => void) | null;
}

export class EventStream<T> {
  readonly #readers = new Set<Reader<T>>();
  #ended = false;

  tell(event: T): void {
    for (const reader of this.#readers) {
      reader.kept.push(event);
      if (reader.kept.length > KEPT_MAX) reader.kept.shift();
      reader.wake?.();
    }
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake?.();
  }

  /** From the call on, not from the first `next`. */
  read(): AsyncGenerator<T, void, undefined> {
    const reader: Reader<T> = { kept: [], wake: null };
    this.#readers.add(reader);
    return this.#walk(reader);
  }

  async *#walk(reader: Reader<T>): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const next = reader.kept.shift();
        if (next !== undefined) yield next;
        else if (this.#ended) return;
        else {
          await new Promise<void>((resume) => {
            reader.wake = resume;
          });
          reader.wake = null;
        }
      }
    } finally {
      this.#readers.delete(reader);
    }
  }
}
