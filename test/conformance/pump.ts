/** Runs a virtual world while a test awaits what happens in it: its clock jumps as fast as its events come. */
import type { VirtualWorld } from '../../src/sim/world.ts';

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
      await this.#virtual.run(() => this.#stopped, Number.POSITIVE_INFINITY);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
