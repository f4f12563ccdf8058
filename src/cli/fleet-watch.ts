/** The fleet's status as the demo last saw it, and the rate of outcomes made from it. */
import type { World } from '../engine/ports.ts';
import type { FleetStatus, ReadModel } from '../engine/ports-read.ts';

/** The rate is that of this long. */
const RATE_MS = 10_000;

export class FleetWatch {
  readonly #read: Pick<ReadModel, 'status'>;
  readonly #world: World;
  readonly #outcomes: { readonly atMs: number; readonly total: number }[] = [];
  #fleet: FleetStatus | null = null;
  #seenMs = 0;
  #reachable = false;

  constructor(read: Pick<ReadModel, 'status'>, world: World) {
    this.#read = read;
    this.#world = world;
  }

  get fleet(): FleetStatus | null {
    return this.#fleet;
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  async look(): Promise<void> {
    const askedMs = this.#world.now();
    try {
      const fleet = await this.#read.status();
      this.#fleet = fleet;
      this.#seenMs = askedMs;
      this.#reachable = true;
      const atMs = this.#world.monotonic();
      this.#outcomes.push({ atMs, total: fleet.completed + fleet.rolledBack });
      while ((this.#outcomes[0]?.atMs ?? atMs) < atMs - RATE_MS) this.#outcomes.shift();
    } catch {
      this.#reachable = false;
    }
  }

  /** Outcomes a second over the last ten seconds; null before there are two looks. */
  rate(): number | null {
    const first = this.#outcomes[0];
    const last = this.#outcomes.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < 1_000) return null;
    return ((last.total - first.total) * 1_000) / (last.atMs - first.atMs);
  }

  /** Records that wait on the topic or for their lane. What is in memory counts in both, so the greater one. */
  backlog(): number {
    const { waiting = 0, partitions = [] } = this.#fleet ?? {};
    const lag = partitions.reduce((sum, each) => sum + (each.lag ?? 0), 0);
    return Math.max(lag, waiting);
  }

  /** Nothing under way anywhere, by a look that was asked for after `sinceMs`. */
  idleSince(sinceMs: number): boolean {
    const fleet = this.#fleet;
    if (fleet === null || this.#seenMs < sinceMs || this.backlog() > 0) return false;
    const { executing, inDoubt, reversing, held, partitions } = fleet;
    return executing + inDoubt + reversing + held === 0 && partitions.every(({ lag }) => lag === 0);
  }
}
