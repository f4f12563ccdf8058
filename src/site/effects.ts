/**
 * Time passing at the machines: an effect takes its time, and does not end while its location is jammed.
 * EF1 after `stop` nothing ends any more: what had started stays started, as after a kill.
 */
export class Effects {
  readonly #isJammed: (location: string) => boolean;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Effects that are through but stand in a jam, by location. */
  readonly #jams = new Map<string, (() => void)[]>();
  #stopped = false;

  constructor(isJammed: (location: string) => boolean) {
    this.#isJammed = isJammed;
  }

  /** Resolves when an effect of `ms` at the location has ended. */
  async run(location: string, ms: number): Promise<void> {
    if (ms > 0) await this.pass(ms);
    while (this.#isJammed(location) || this.#stopped) {
      await new Promise<void>((resolve) => {
        const jam = this.#jams.get(location);
        if (jam === undefined) this.#jams.set(location, [resolve]);
        else jam.push(resolve);
      });
    }
  }

  /** Resolves after `ms`. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  /** Looks again which locations are jammed. */
  recheck(): void {
    if (this.#stopped) return;
    for (const [location, waiting] of this.#jams) {
      if (this.#isJammed(location)) continue;
      this.#jams.delete(location);
      for (const resolve of waiting) resolve();
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#jams.clear();
  }
}
