/**
 * The leases: one object for each time a partition is given to us, from the assignment to the hand-over or the loss.
 *
 * States of a lease: resolving (its group offset is looked up), announced (the listener knows), draining, ended.
 * D1 An answer counts for a lease only while that very object is the current one of its partition. Generations are not
 *    compared: a retained lease lives through many of them.
 * D2 A hand-over stops the fetch first, waits for the listener within the budget, then commits, then ends the lease.
 * D3 A loss ends the lease at once, also in the middle of a hand-over; nothing of it is committed any more.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { LogListener, World } from '../../engine/ports.ts';
import type { Committer } from './committer.ts';
import type { Fetcher } from './fetcher.ts';
import { settledWithin } from './waiting.ts';

interface Lease {
  readonly partition: number;
  readonly ended: PromiseWithResolvers<void>;
  announced: boolean;
  draining: Promise<void> | null;
}

/** What leases need of the fetcher … */
export type LeaseFetcher = Pick<Fetcher, 'start' | 'pause' | 'resume' | 'stop'>;
/** … and of the committer. */
export type LeaseOffsets = Pick<Committer, 'open' | 'forget' | 'written' | 'groupOffsets'>;

export interface LeasesOptions {
  readonly world: World;
  readonly fetcher: LeaseFetcher;
  readonly committer: LeaseOffsets;
  readonly listener: LogListener;
}

export interface HandOver {
  /** How long the listener may take. */
  readonly budgetMs: number;
  /** How long the last commit may take after that. */
  readonly commitMs: number;
}

export class Leases {
  readonly #options: LeasesOptions;
  readonly #current = new Map<number, Lease>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  get partitions(): number[] {
    return [...this.#current.keys()];
  }

  assigned(partitions: readonly number[]): void {
    const leases = partitions.map((partition): Lease => {
      const lease = { partition, ended: Promise.withResolvers<void>(), announced: false, draining: null };
      this.#current.set(partition, lease);
      this.#options.committer.open(partition);
      return lease;
    });
    void this.#announce(leases);
  }

  /** Resolves when all are handed over, in the budget plus the time of a commit. */
  async revoke(partitions: readonly number[], handOver: HandOver): Promise<void> {
    const leases = partitions.flatMap((partition) => this.#current.get(partition) ?? []);
    await Promise.all(
      leases.map((lease) => {
        lease.draining ??= this.#drain(lease, handOver);
        return lease.draining;
      }),
    );
  }

  lost(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const lease = this.#current.get(partition);
      if (lease === undefined) continue;
      this.#end(lease);
      if (lease.announced) this.#options.listener.lost(partition);
    }
  }

  start(partition: number, offset: number | null): void {
    if (this.#isFetching(partition)) this.#options.fetcher.start(partition, offset);
  }

  pause(partition: number): void {
    this.#options.fetcher.pause(partition);
  }

  resume(partition: number): void {
    if (this.#isFetching(partition)) this.#options.fetcher.resume(partition);
  }

  #isFetching(partition: number): boolean {
    const lease = this.#current.get(partition);
    return lease?.announced === true && lease.draining === null;
  }

  #isCurrent(lease: Lease): boolean {
    return this.#current.get(lease.partition) === lease;
  }

  async #announce(leases: readonly Lease[]): Promise<void> {
    const waits = (lease: Lease): boolean => this.#isCurrent(lease) && lease.draining === null;
    const partitions = leases.map(({ partition }) => partition);
    const offsets = await this.#options.committer.groupOffsets(partitions, () => leases.some(waits));
    if (offsets === null) return;
    for (const lease of leases) {
      if (!waits(lease)) continue;
      lease.announced = true;
      const { offset = null, metadata = '' } = offsets.get(lease.partition) ?? {};
      this.#options.listener.assigned(lease.partition, offset, metadata);
    }
  }

  /** D2. */
  async #drain(lease: Lease, { budgetMs, commitMs }: HandOver): Promise<void> {
    const { world, fetcher, committer } = this.#options;
    const { partition, ended } = lease;
    fetcher.stop(partition);
    if (lease.announced) {
      const drained = this.#options.listener.revoked(partition, budgetMs).catch((error: unknown) => {
        const problem = new SignalboxError('SB-5006', `revoked(${partition}): ${String(error)}`, {
          cause: error,
        });
        this.#options.listener.problem(problem, partition);
      });
      await settledWithin(world, budgetMs, Promise.race([drained, ended.promise]));
      if (this.#isCurrent(lease)) {
        await settledWithin(world, commitMs, Promise.race([committer.written(partition), ended.promise]));
      }
    }
    this.#end(lease);
  }

  #end(lease: Lease): void {
    if (!this.#isCurrent(lease)) return;
    this.#current.delete(lease.partition);
    this.#options.fetcher.stop(lease.partition);
    this.#options.committer.forget(lease.partition);
    lease.ended.resolve();
  }
}
