/**
 * One process of the simulation: what reaches it and what leaves it goes through `deliver`, so that it can be killed
 * (nothing reaches it any more; what it sent is on its way) or stopped (everything due waits and runs at once when it
 * continues: a zombie). Its links can be cut for a while, each by itself.
 */
import type { World } from '../engine/ports.ts';
import { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export const LINKS = ['log', 'ledger', 'site'] as const;
export type Link = (typeof LINKS)[number];

export class SimProcess {
  readonly name: string;
  readonly world: World;
  readonly #virtual: VirtualWorld;
  readonly #cutUntilMs = new Map<Link, number>();
  #alive = true;
  #stopped = false;
  #losesAnswer = false;
  #due: (() => void)[] = [];

  constructor(virtual: VirtualWorld, name: string) {
    this.name = name;
    this.#virtual = virtual;
    const random = new RandomStream(virtual.seed, `process ${name}`);
    this.world = {
      now: () => virtual.wallClockMs(),
      monotonic: () => virtual.elapsedMs,
      after: (ms, run) => virtual.after(ms, () => this.deliver(run)),
      soon: (run) => void virtual.after(0, () => this.deliver(run)),
      random: () => random.next(),
      rssBytes: () => 0,
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  deliver(run: () => void): void {
    if (!this.#alive) return;
    if (this.#stopped) this.#due.push(run);
    else run();
  }

  /** SIGKILL */
  kill(): void {
    this.#alive = false;
    this.#due = [];
  }

  /** SIGSTOP */
  stop(): void {
    this.#stopped = true;
  }

  /** SIGCONT: what fell due meanwhile runs first, in order. */
  continue(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    for (const run of this.#due.splice(0)) this.#virtual.after(0, () => this.deliver(run));
  }

  // ---------------------------------------------------------------------------------------- links

  /** Nothing passes the link for so long. */
  cut(link: Link, ms: number): void {
    this.#cutUntilMs.set(link, this.#virtual.elapsedMs + ms);
  }

  heal(): void {
    this.#cutUntilMs.clear();
    this.#losesAnswer = false;
  }

  /** For how long nothing passes the link, in ms. */
  cutMs(link: Link): number {
    return Math.max(0, (this.#cutUntilMs.get(link) ?? 0) - this.#virtual.elapsedMs);
  }

  /** The next thing that it asks of ledger, participant or broker takes effect, and its answer is lost. */
  loseNextAnswer(): void {
    this.#losesAnswer = true;
  }

  /** Whether what is asked now is the one whose answer is lost. */
  takesLoss(): boolean {
    const loses = this.#losesAnswer;
    this.#losesAnswer = false;
    return loses;
  }
}
