/**
 * A slot at work: what is in it, and what to do when its handler has ended. Used again for another record after `clear`,
 * because what is made for each record adds up.
 * RN1 Between `clear` and `take` there is nothing in it; to ask then is a bug.
 */
import { assert } from '../core/errors/catalogue.ts';
import type { Lane } from '../core/lanes.ts';
import type { Work } from './work.ts';

const NONE: readonly Work[] = [];

export interface RunEnds {
  completed(run: Run): void;
  failed(run: Run, error: unknown): void;
}

export class Run {
  /** For the promise of the handler. */
  readonly onCompleted: () => void;
  readonly onFailed: (error: unknown) => void;
  slot = 0;
  attempt = 1;
  /** Those of a batch behind the first. */
  more: readonly Work[] = NONE;
  #lane: Lane<Work> | null = null;
  #work: Work | null = null;

  constructor(ends: RunEnds) {
    this.onCompleted = () => ends.completed(this);
    this.onFailed = (error) => ends.failed(this, error);
  }

  get lane(): Lane<Work> {
    assert(this.#lane !== null, 'nothing is in this run');
    return this.#lane;
  }

  get work(): Work {
    assert(this.#work !== null, 'nothing is in this run');
    return this.#work;
  }

  /** All that its handler was given. */
  get works(): readonly Work[] {
    return [this.work, ...this.more];
  }

  occupy(lane: Lane<Work>, slot: number): void {
    this.#lane = lane;
    this.slot = slot;
  }

  take(work: Work, more: readonly Work[]): void {
    this.#work = work;
    this.more = more;
    this.attempt = 1;
  }

  clear(): void {
    this.#lane = null;
    this.#work = null;
    this.more = NONE;
  }
}
