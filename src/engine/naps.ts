/** Waits of transactions that end early: when a person's command comes, or when their partition ends. */
import type { Timer, World } from './ports.ts';

export class Naps {
  readonly #world: World;
  readonly #naps = new Map<string, { readonly timer: Timer | null; readonly resolve: () => void }>();

  constructor(world: World) {
    this.#world = world;
  }

  /** One at a time for an id. `ms` null: until `wake` or `endAll`. */
  nap(id: string, ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === null ? null : this.#world.after(ms, () => this.wake(id));
      this.#naps.set(id, { timer, resolve });
    });
  }

  wake(id: string): void {
    const nap = this.#naps.get(id);
    if (nap === undefined) return;
    this.#naps.delete(id);
    nap.timer?.cancel();
    nap.resolve();
  }

  endAll(): void {
    for (const id of [...this.#naps.keys()]) this.wake(id);
  }
}
