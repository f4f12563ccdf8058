/**
 * Publishes the results of one partition in the order of their numbers, at least once (design 4.7).
 *
 * RP1 One call to the log at a time; what failed is sent again before anything newer.
 * RP2 `state.published` only grows, and only by what the log acknowledged.
 * RP3 At most `RESULTS_IN_MEMORY` results are kept; beyond it they are read back from the ledger.
 */
import { backOff } from '../core/back-off.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Observer, WorkerSettings } from './options.ts';
import type { PartitionState } from './partition-state.ts';
import type { Point } from './points.ts';
import type { TransactionLog, World } from './ports.ts';
import { type Ledger, LedgerError, type StoredResult } from './ports-ledger.ts';
import { resultRecords } from './result.ts';

/** 2 to 4 MB a partition while the broker is away; after that the ledger keeps them. */
const RESULTS_IN_MEMORY = 5_000;
/** About 150 KB a send: well below the broker's default limit of 1 MiB for a batch of short results. */
const RESULTS_PER_SEND = 500;
/** Evidence may be 64 KiB a result: a send is cut at this many characters too. */
const CHARACTERS_PER_SEND = 512 * 1024;

export interface PublisherOptions {
  readonly state: PartitionState;
  readonly log: TransactionLog;
  readonly ledger: Ledger;
  readonly world: World;
  readonly settings: WorkerSettings;
  readonly observer: Observer;
  readonly passing?: ((point: Point) => void) | undefined;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #waiting = new Map<number, StoredResult>();
  /** Results up to here are only in the ledger. */
  #ledgerUpTo: number;
  #running = false;
  #idle: (() => void)[] = [];

  /** Goes on from `state.published`; what the ledger holds beyond it is published first. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#ledgerUpTo = options.state.lastNumber;
    this.#wake();
  }

  add(result: StoredResult): void {
    if (this.#waiting.size >= RESULTS_IN_MEMORY) {
      for (const number of this.#waiting.keys()) this.#ledgerUpTo = Math.max(this.#ledgerUpTo, number);
      this.#ledgerUpTo = Math.max(this.#ledgerUpTo, result.number);
      this.#waiting.clear();
    } else {
      this.#waiting.set(result.number, result);
    }
    this.#wake();
  }

  /** Resolves when everything given so far is published, or the partition is no longer alive. */
  idle(): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #wake(): void {
    if (this.#running || !this.#hasWork()) return;
    this.#running = true;
    // The end of this turn: the results of a whole commit go into one send.
    this.#options.world.soon(() => void this.#run());
  }

  #hasWork(): boolean {
    const { state } = this.#options;
    const next = state.published + 1;
    return state.alive && (next <= this.#ledgerUpTo || this.#waiting.has(next));
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) await this.#publishNext();
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #publishNext(): Promise<void> {
    const { state, log, passing } = this.#options;
    const results = await this.#untilDone(() => this.#next());
    const last = results?.at(-1);
    if (results === undefined || last === undefined) return;
    const records = resultRecords(log.topic.name, state.partition, results);
    const sent = await this.#untilDone(async () => {
      passing?.('publishing');
      await log.publish(state.partition, records);
      passing?.('published');
      return true;
    });
    if (sent !== true) return;
    state.published = last.number;
    for (const result of results) this.#waiting.delete(result.number);
  }

  /** The next results in order: from the ledger where they are only there, else from memory. */
  async #next(): Promise<StoredResult[]> {
    const { state, ledger } = this.#options;
    if (state.published < this.#ledgerUpTo) {
      const results = cut(await ledger.results(state.partition, state.published, RESULTS_PER_SEND));
      const gap = results[0]?.number !== state.published + 1;
      if (!gap) return results;
      // Finals are deleted only below the published number, so this is damage from outside: say so, go on behind it.
      const detail = `result ${state.published + 1} of partition ${state.partition} is missing in the ledger`;
      this.#options.observer.problem(new SignalboxError('SB-5006', detail), { partition: state.partition });
      state.published = results[0] === undefined ? this.#ledgerUpTo : results[0].number - 1;
      return results;
    }
    const results: StoredResult[] = [];
    for (let number = state.published + 1; results.length < RESULTS_PER_SEND; number += 1) {
      const result = this.#waiting.get(number);
      if (result === undefined) break;
      results.push(result);
    }
    return cut(results);
  }

  /** Repeats until it succeeds; undefined when the partition died meanwhile. */
  async #untilDone<T>(attempt: () => Promise<T>): Promise<T | undefined> {
    const { state, world, settings, observer } = this.#options;
    for (let tries = 0; state.alive; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        const code = error instanceof LedgerError ? 'SB-2001' : 'SB-3001';
        const problem =
          error instanceof SignalboxError ? error : new SignalboxError(code, String(error), { cause: error });
        observer.problem(problem, { partition: state.partition });
        const { retryFirstMs: firstMs, retryMaxMs: maxMs } = settings;
        const ms = backOff({ attempt: tries, firstMs, maxMs, random: world.random });
        await new Promise<void>((resume) => world.after(ms, resume));
      }
    }
    return undefined;
  }
}

function cut(results: StoredResult[]): StoredResult[] {
  let characters = 0;
  const end = results.findIndex((result, index) => {
    characters += 300 + (result.evidence?.length ?? 0);
    return index > 0 && characters > CHARACTERS_PER_SEND;
  });
  return end === -1 ? results : results.slice(0, end);
}
