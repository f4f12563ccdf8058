/** Who holds the slots of each location of the simulated ledger, as the index of holders of the real one says it. */
import type { Begin } from '../engine/ports-ledger.ts';

export interface LocationSetting {
  readonly concurrency: number | null;
  readonly paused: boolean;
  /** Database clock, Unix time in ms. */
  readonly changedAtMs: number;
}

interface Place {
  readonly location: string;
  readonly slot: number;
}

export class Slots {
  readonly #holders = new Map<string, Map<number, string>>();

  clear(): void {
    this.#holders.clear();
  }

  hold({ id, location, slot }: Place & { readonly id: string }): void {
    const holders = this.#holders.get(location) ?? new Map<number, string>();
    holders.set(slot, id);
    this.#holders.set(location, holders);
  }

  free({ id, location, slot }: Place & { readonly id: string }): void {
    const holders = this.#holders.get(location);
    if (holders?.get(slot) !== id) return;
    holders.delete(slot);
    if (holders.size === 0) this.#holders.delete(location);
  }

  /** Why nothing may begin in this slot now; null when it may. */
  noRoom(
    { location, slot, concurrency: otherwise }: Pick<Begin, 'location' | 'slot' | 'concurrency'>,
    setting: LocationSetting | undefined,
  ): { readonly status: 'paused' | 'busy' } | null {
    if (setting?.paused === true) return { status: 'paused' };
    const concurrency = setting?.concurrency ?? otherwise;
    if (slot > concurrency) return { status: 'busy' };
    const holders = this.#holders.get(location);
    if (holders === undefined) return null;
    if (holders.has(slot)) return { status: 'busy' };
    for (const held of holders.keys()) if (held > concurrency) return { status: 'busy' };
    return null;
  }
}
