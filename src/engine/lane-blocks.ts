/**
 * Lanes that may not begin for a while, because the ledger answered `busy` or `paused`: each waits for a
 * back-off that grows until a begin succeeds.
 */
import { backOff } from '../core/back-off.ts';
import type { WorkerSettings } from './options.ts';
import type { Timer, World } from './ports.ts';

export class LaneBlocks {
  readonly #world: World;
  readonly #settings: WorkerSettings;
  readonly #blocks = new Map<string, { times: number; timer: Timer | null }>();

  constructor(world: World, settings: WorkerSettings) {
    this.#world = world;
    this.#settings = settings;
  }

  has(location: string): boolean {
    return (this.#blocks.get(location)?.timer ?? null) !== null;
  }

  /** Blocks the lane for the next back-off, then calls `again`. */
  block(location: string, again: () => void): void {
    const block = this.#blocks.get(location) ?? { times: 0, timer: null };
    const { askAgainFirstMs: firstMs, askAgainMaxMs: maxMs } = this.#settings;
    const ms = backOff({ attempt: block.times, firstMs, maxMs, random: this.#world.random });
    block.times += 1;
    block.timer = this.#world.after(ms, () => {
      block.timer = null;
      again();
    });
    this.#blocks.set(location, block);
  }

  /** A begin of the lane was answered otherwise: the next block starts with the shortest wait. */
  clear(location: string): void {
    this.#blocks.delete(location);
  }

  cancelAll(): void {
    for (const { timer } of this.#blocks.values()) timer?.cancel();
    this.#blocks.clear();
  }
}
