/**
 * One process of the simulation: what reaches it goes through `deliver`, so that it can be killed (nothing
 * reaches it any more; what it sent is on its way) or stopped (everything due waits and runs at once when it
 * continues: a zombie).
 */
import type { World } from '../engine/ports.ts';
import { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export class SimProcess {
  readonly name: string;
  readonly world: World;
  readonly #virtual: VirtualWorld;
  #alive = true;
  #stopped = false;
  #due: (() => void)[] = [];

  constructor(virtual: VirtualWorld, name: string) {
    this.name = name;
    this.#virtual = virtual;
    const random = new RandomStream(virtual.seed, `process ${name}`);
    this.world = {
      now: () => virtual.wallClockMs(),
      monotonic: () => virtual.elapsedMs,
      after: (ms, run) => virtual.after(ms, () => this.deliver(run)),
      soon: (run) => void virtual.after(0, () => this.deliver(run)),
      random: () => random.next(),
      rssBytes: () => 0,
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  deliver(run: () => void): void {
    if (!this.#alive) return;
    if (this.#stopped) this.#due.push(run);
    else run();
  }

  /** SIGKILL */
  kill(): void {
    this.#alive = false;
    this.#due = [];
  }

  /** SIGSTOP */
  stop(): void {
    this.#stopped = true;
  }

  /** SIGCONT: what fell due meanwhile runs first, in order. */
  continue(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    for (const run of this.#due.splice(0)) this.#virtual.after(0, () => this.deliver(run));
  }
}
