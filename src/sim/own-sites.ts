/** One simulated site a participant, each at its grade, behind one door: what the plans of a configuration call. */
import type { Grade } from '../core/grade.ts';
import type { Participant } from '../engine/ports.ts';
import type { SimProcess } from './process.ts';
import { type Effect, type Recorded, SimSite, type Site, type SiteOptions } from './site.ts';

export class OwnSites implements Site {
  readonly #parts: Omit<SiteOptions, 'defect' | 'grade'>;
  readonly #gradeOf: (participant: string) => Grade;
  readonly #sites = new Map<string, SimSite>();

  constructor(parts: Omit<SiteOptions, 'defect' | 'grade'>, gradeOf: (participant: string) => Grade) {
    this.#parts = parts;
    this.#gradeOf = gradeOf;
  }

  get effects(): readonly Effect[] {
    return [...this.#sites.values()].flatMap(({ effects }) => effects);
  }

  recorded(key: string): Recorded | undefined {
    for (const site of this.#sites.values()) {
      const recorded = site.recorded(key);
      if (recorded !== undefined) return recorded;
    }
    return undefined;
  }

  undoByHand(key: string): void {
    for (const site of this.#sites.values()) site.undoByHand(key);
  }

  stick(location: string, untilMs: number): void {
    for (const site of this.#sites.values()) site.stick(location, untilMs);
  }

  participant(process: SimProcess, name: string): Participant {
    const known = this.#sites.get(name);
    const site = known ?? new SimSite({ ...this.#parts, defect: null, grade: this.#gradeOf(name) });
    if (known === undefined) this.#sites.set(name, site);
    return site.participant(process);
  }
}
