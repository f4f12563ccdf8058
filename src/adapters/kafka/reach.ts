/**
 * Whether the brokers can be reached, over all components: what health says, and when a person is told.
 *
 * R1 Connected as long as no component's last try failed. A partition that halted for a person to decide is no matter
 *    of connection, but it stays the problem until it is released.
 * R2 No trouble is final here: what was refused at the start is final, later it may be an operator at work.
 * R3 A trouble is told when it begins and every ten seconds while it lasts, however many components have it.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';

const REPEAT_MS = 10_000;

export interface ReachOptions {
  readonly world: World;
  readonly tell: (error: SignalboxError) => void;
}

export class Reach {
  readonly #options: ReachOptions;
  readonly #failing = new Map<string, SignalboxError>();
  readonly #halted = new Map<number, SignalboxError>();
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#failing.size === 0;
  }

  /** The last trouble of the component that failed first and still does, else of the partition that halted first. */
  get problem(): SignalboxError | null {
    return this.#failing.values().next().value ?? this.#halted.values().next().value ?? null;
  }

  /** The partition goes on only when somebody starts it again, or somewhere else. Told by who halted it. */
  halted(partition: number, error: SignalboxError): void {
    this.#halted.set(partition, error);
  }

  released(partition: number): void {
    this.#halted.delete(partition);
  }

  succeeded(component: string): void {
    this.#failing.delete(component);
    if (this.connected) this.#toldMs = Number.NEGATIVE_INFINITY;
  }

  failed(component: string, cause: SignalboxError): void {
    const error = new SignalboxError(cause.code, cause.detail, { cause });
    this.#failing.set(component, error);
    const nowMs = this.#options.world.monotonic();
    if (nowMs - this.#toldMs < REPEAT_MS) return;
    this.#toldMs = nowMs;
    this.#options.tell(error);
  }
}
