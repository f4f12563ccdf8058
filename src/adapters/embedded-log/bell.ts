/**
 * Wakes one loop that waits.
 *
 * B1 A ring while nobody waits ends the next wait at once: no ring is missed.
 */
import type { World } from '../../engine/ports.ts';

export class Bell {
  readonly #world: World;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves after `ms` (null: never by itself), or at a ring. One at a time. */
  async wait(ms: number | null): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = ms === null ? null : this.#world.after(ms, resolve);
        this.#wake = () => {
          timer?.cancel();
          resolve();
        };
      });
      this.#wake = null;
    }
    this.#rung = false;
  }
}
