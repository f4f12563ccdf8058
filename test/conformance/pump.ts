/** Runs a virtual world while a test awaits what happens in it. */
import { setTimeout as delay } from 'node:timers/promises';
import { VirtualWorld } from '../../src/sim/world.ts';

/**
 * In each turn of the loop the world goes on by this much, in virtual ms: time-outs and sessions of seconds pass while a
 * test looks a few times, and never at once, however slow the machine is.
 */
const STEP_MS = 100;
const TURN_MS = 1;

export class Pump {
  readonly #virtual: VirtualWorld;
  #stopped = false;

  constructor(virtual: VirtualWorld) {
    this.#virtual = virtual;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const untilMs = this.#virtual.elapsedMs + STEP_MS;
      // The clock goes there even when nothing is due.
      this.#virtual.after(STEP_MS, () => undefined);
      await this.#virtual.run(() => this.#stopped, untilMs);
      await delay(TURN_MS);
    }
  }
}

/** A world whose events run the code of a test too, which has a clock and timers of its own. */
export class TestWorld extends VirtualWorld {
  constructor() {
    super(1, () => () => undefined);
  }

  override wallClockMs(): number {
    return Date.now();
  }
}
