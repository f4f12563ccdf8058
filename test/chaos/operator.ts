/**
 * The person of a run: decides whatever automation has given up (an attempt that three workers died of, a reversal
 * that was refused), now by another try, now by a roll back. Everything else must end without anybody.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { PostgresOperations } from '../../src/adapters/postgres/operations.ts';

/** So often a person looks. */
const LOOK_MS = 1_000;
const ATTENTION_MAX = 50;
/** A decision that has neither been applied nor refused after this long is made again. */
const AGAIN_MS = 15_000;

export class Operator {
  readonly #operations: PostgresOperations;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** By id: when it was decided last, and how often. */
  readonly #decided = new Map<string, { atMs: number; times: number }>();

  constructor(options: { readonly connectionString: string; readonly topic: string }) {
    this.#operations = new PostgresOperations(options);
    this.#running = this.#run();
  }

  /** Transactions that needed a person. */
  get decided(): number {
    return this.#decided.size;
  }

  /** The audit's chain of hashes, computed again. */
  async auditText(): Promise<{ readonly rows: number; readonly brokenAt: number | null }> {
    return this.#operations.verifyAudit();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#operations.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#look().catch(() => undefined); // the ledger is away, or another decision came first
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    for (const { id, state, code } of await this.#operations.attention(ATTENTION_MAX)) {
      const { atMs, times } = this.#decided.get(id) ?? { atMs: 0, times: 0 };
      if (state !== 'held' || Date.now() - atMs < AGAIN_MS) continue;
      // Nobody undoes anything by hand here, so a refused reversal (SB-4203) is asked for again.
      const otherwise = times % 2 === 0 ? 'retry' : 'roll_back';
      const action = code === 'SB-4203' ? 'ask' : otherwise;
      this.#decided.set(id, { atMs: Date.now(), times: times + 1 });
      await this.#operations.propose({
        id,
        action,
        evidence: null,
        actor: 'chaos',
        reason: `held: ${action}`,
      });
    }
  }
}
