/**
 * Lanes that only the limit of handlers holds back, longest first, each once. One that was started and has more to start
 * comes last, so that a deep lane does not starve others.
 */
import type { Lane } from '../core/lanes.ts';
import { Line } from '../core/line.ts';
import type { InTurn, Work } from './work.ts';

interface Turn {
  readonly of: InTurn;
  readonly lane: Lane<Work>;
}

export class Turns {
  readonly #line = new Line<Turn>();
  readonly #lanes = new Set<Lane<Work>>();

  get length(): number {
    return this.#line.length;
  }

  want(of: InTurn, lane: Lane<Work>): void {
    if (this.#lanes.has(lane)) return;
    this.#lanes.add(lane);
    this.#line.append({ of, lane });
  }

  /** Starts the next one. There has to be one. */
  give(): void {
    const { of, lane } = this.#line.shift();
    this.#lanes.delete(lane);
    of.startInTurn(lane);
  }
}
