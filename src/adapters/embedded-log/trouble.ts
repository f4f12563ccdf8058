/**
 * Whether the database answers, from the loops that use it, and when a person is told.
 *
 * T1 The first failure is told at once, later ones at most every ten seconds, until every loop is well again.
 */
import type { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';

const TELL_EVERY_MS = 10_000;

export interface TroubleOptions {
  readonly world: World;
  readonly tell: (error: SignalboxError) => void;
}

export class Trouble {
  readonly #options: TroubleOptions;
  /** Loops whose last statement failed, by name: at most as many as there are loops. */
  readonly #failing = new Set<string>();
  #last: SignalboxError | null = null;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  /** The last failure, while some loop fails. */
  get problem(): SignalboxError | null {
    return this.#failing.size === 0 ? null : this.#last;
  }

  failed(loop: string, error: SignalboxError): void {
    const isFirst = this.#failing.size === 0;
    this.#failing.add(loop);
    this.#last = error;
    const nowMs = this.#options.world.monotonic();
    if (!isFirst && nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    this.#options.tell(error);
  }

  healed(loop: string): void {
    this.#failing.delete(loop);
  }
}
