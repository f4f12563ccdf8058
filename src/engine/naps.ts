/** Waits that end early when their partition ends: back-off between two questions to a participant. */
import type { Timer, World } from './ports.ts';

export class Naps {
  readonly #world: World;
  readonly #naps = new Map<Timer, () => void>();

  constructor(world: World) {
    this.#world = world;
  }

  nap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#world.after(ms, () => {
        this.#naps.delete(timer);
        resolve();
      });
      this.#naps.set(timer, resolve);
    });
  }

  endAll(): void {
    for (const [timer, resolve] of this.#naps) {
      timer.cancel();
      resolve();
    }
    this.#naps.clear();
  }
}
