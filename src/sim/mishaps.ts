/** What befalls a worker at a named point of its way: the exhaustive mode plans it (exhaustive.ts). */
import type { Point } from '../engine/points.ts';
import { type Crew, SESSION_TIMEOUT_MS } from './crew.ts';
import { LINKS, type SimProcess } from './process.ts';

export const MISHAP_KINDS = ['kill', 'zombie', 'cut', 'lost answer'] as const;
export type MishapKind = (typeof MISHAP_KINDS)[number];

/** At the first passing of the point by any worker, after the mishaps before it. */
export interface Mishap {
  readonly point: Point;
  readonly kind: MishapKind;
}

const RESTART_MS = 1_000;
/** A zombie sleeps, and a cut lasts, well past the session: somebody else has taken over. */
const AWAY_MS = 1.5 * SESSION_TIMEOUT_MS;

export class Mishaps {
  readonly #planned: Mishap[];
  readonly #crew: Crew;
  /** How many have happened. */
  befallen = 0;

  constructor(planned: readonly Mishap[], crew: Crew) {
    this.#planned = [...planned];
    this.#crew = crew;
  }

  /** Those that have not happened do not happen any more. */
  end(): void {
    this.#planned.length = 0;
  }

  passing(point: Point, process: SimProcess): void {
    const [next] = this.#planned;
    if (next?.point !== point || !process.alive || process.stopped) return;
    this.#planned.shift();
    this.befallen += 1;
    if (next.kind === 'kill') this.#crew.kill(process, RESTART_MS);
    else if (next.kind === 'zombie') this.#crew.stop(process, AWAY_MS);
    else if (next.kind === 'cut') this.#crew.cut(process, LINKS, AWAY_MS);
    else process.loseNextAnswer();
  }
}
