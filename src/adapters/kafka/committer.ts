/**
 * Writes the group's offsets: one request in flight, all partitions with something new in it, about every second.
 *
 * O1 The offsets of a partition only grow from its `open` to its `forget`: the broker would take lower ones.
 * O2 What is refused or unanswered stays to be written: while the group joins (ILLEGAL_GENERATION,
 *    REBALANCE_IN_PROGRESS) nothing is lost but time.
 * O3 A partition that is not open is never written: the broker would take it from a member that does not own it.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';
import type { Identity } from './group-wire.ts';
import { codeName, isCoordinatorGone, isForbidden, KAFKA, KafkaRefusal, problemOf } from './kafka-errors.ts';
import type { OffsetWire } from './offset-wire.ts';
import { BackOff, Bell, pause } from './waiting.ts';

export interface CommitterOptions {
  readonly world: World;
  readonly wire: OffsetWire;
  readonly intervalMs: number;
  /** Under which to commit now; null: not now. */
  readonly identity: () => Identity | null;
  /** Something was committed by a request sent at this time. */
  readonly proven: (sentAt: number) => void;
  /** The group does not know this member. */
  readonly unknownMember: (memberId: string) => void;
  readonly reached: (component: string, error: SignalboxError | null) => void;
}

/** What the group has for a partition. */
export interface GroupOffset {
  readonly offset: number | null;
  readonly metadata: string;
}

interface OpenPartition {
  noted: number;
  written: number;
  /** Beside the offset; it may change while that stands still. */
  notedMetadata: string;
  writtenMetadata: string;
  /** Who waits for `written` to reach `noted`. */
  waiting: (() => void)[];
}

const COMMIT = 'offset commit';
/** UNSTABLE_OFFSET_COMMIT: a transaction on the offsets is about to end. */
const UNSTABLE_MS = 200;
/** Wait between tries while somebody waits for a commit, at a hand-over. */
const URGENT_MS = 50;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #partitions = new Map<number, OpenPartition>();
  readonly #bell: Bell;
  readonly #backOff: BackOff;
  #urgent = 0;
  #closed = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    this.#backOff = new BackOff(options.world);
    void this.#run();
  }

  /** The partition is ours from now on. */
  open(partition: number): void {
    this.#partitions.set(partition, {
      noted: -1,
      written: -1,
      notedMetadata: '',
      writtenMetadata: '',
      waiting: [],
    });
  }

  note(partition: number, offset: number, metadata = ''): void {
    const open = this.#partitions.get(partition);
    if (open === undefined || offset < open.noted) return;
    open.noted = offset;
    open.notedMetadata = metadata;
  }

  /** Resolves when what was noted is written, or when the partition is forgotten. */
  written(partition: number): Promise<void> {
    const open = this.#partitions.get(partition);
    if (open === undefined || !isNew(open)) return Promise.resolve();
    this.#urgent += 1;
    this.#bell.ring();
    return new Promise<void>((resolve) => open.waiting.push(resolve)).finally(() => {
      this.#urgent -= 1;
    });
  }

  /** What is not written by now will not be. */
  forget(partition: number): void {
    const open = this.#partitions.get(partition);
    this.#partitions.delete(partition);
    for (const resolve of open?.waiting.splice(0) ?? []) resolve();
  }

  /** The group's offsets of partitions we were given. Asks for ever, until `stillWanted` says no: then null. */
  async groupOffsets(
    partitions: readonly number[],
    stillWanted: () => boolean,
  ): Promise<ReadonlyMap<number, GroupOffset> | null> {
    const { world, wire, reached } = this.#options;
    const component = 'offset fetch';
    const backOff = new BackOff(world);
    while (stillWanted() && !this.#closed) {
      try {
        const answer = await wire.fetch(partitions);
        const refused = [...answer.values()].find(({ errorCode }) => errorCode !== KAFKA.NONE);
        if (refused === undefined) {
          reached(component, null);
          return new Map(
            partitions.map((partition) => {
              const { offset = null, metadata = '' } = answer.get(partition) ?? {};
              return [partition, { offset, metadata }];
            }),
          );
        }
        if (refused.errorCode !== KAFKA.UNSTABLE_OFFSET_COMMIT)
          throw new KafkaRefusal('OffsetFetch', refused.errorCode);
        await pause(world, UNSTABLE_MS);
      } catch (error) {
        if (this.#closed) return null;
        this.#failed(error, component);
        await pause(world, backOff.next());
      }
    }
    reached(component, null);
    return null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const partition of [...this.#partitions.keys()]) this.forget(partition);
    this.#bell.ring();
    await this.#options.wire.close();
  }

  async #run(): Promise<void> {
    const { world, intervalMs } = this.#options;
    while (!this.#closed) {
      // A ring means that somebody waits; after a refusal the next try still keeps a distance.
      await this.#bell.wait(this.#urgent > 0 ? URGENT_MS : intervalMs);
      const waitMs = await this.#commit();
      if (waitMs > 0) await pause(world, waitMs);
    }
  }

  /** One request with everything that is new. Resolves to the wait before the next, beyond the interval. */
  async #commit(): Promise<number> {
    const { world, wire, reached } = this.#options;
    const identity = this.#options.identity();
    const offsets = new Map<number, number>();
    const metadata = new Map<number, string>();
    for (const [partition, open] of this.#partitions) {
      if (!isNew(open)) continue;
      offsets.set(partition, open.noted);
      metadata.set(partition, open.notedMetadata);
    }
    if (offsets.size === 0) reached(COMMIT, null);
    if (identity === null || offsets.size === 0 || this.#closed) return 0;
    const sentAt = world.monotonic();
    const asked = new Map(this.#partitions);
    try {
      const answer = await wire.commit(identity, offsets, metadata);
      this.#apply(identity, sentAt, { asked, offsets, metadata, answer });
      reached(COMMIT, null);
      this.#backOff.reset();
      return 0;
    } catch (error) {
      if (this.#closed) return 0;
      this.#failed(error, COMMIT);
      return this.#backOff.next();
    }
  }

  #apply(
    identity: Identity,
    sentAt: number,
    commit: {
      readonly asked: ReadonlyMap<number, OpenPartition>;
      readonly offsets: ReadonlyMap<number, number>;
      readonly metadata: ReadonlyMap<number, string>;
      readonly answer: ReadonlyMap<number, number>;
    },
  ): void {
    let failure: number = KAFKA.NONE;
    for (const [partition, offset] of commit.offsets) {
      const errorCode = commit.answer.get(partition) ?? KAFKA.COORDINATOR_NOT_AVAILABLE;
      if (errorCode === KAFKA.NONE) {
        this.#options.proven(sentAt);
        const metadata = commit.metadata.get(partition) ?? '';
        this.#wrote(partition, commit.asked.get(partition), { offset, metadata });
      } else if (errorCode === KAFKA.UNKNOWN_MEMBER_ID) {
        this.#options.unknownMember(identity.memberId);
        return;
      } else if (errorCode !== KAFKA.ILLEGAL_GENERATION && errorCode !== KAFKA.REBALANCE_IN_PROGRESS) {
        failure = errorCode;
      }
    }
    if (failure !== KAFKA.NONE) throw new KafkaRefusal('OffsetCommit', failure);
  }

  #wrote(
    partition: number,
    open: OpenPartition | undefined,
    { offset, metadata }: { readonly offset: number; readonly metadata: string },
  ): void {
    // Forgotten and opened again meanwhile: the answer is not about the new one.
    if (open === undefined || this.#partitions.get(partition) !== open) return;
    open.written = offset;
    open.writtenMetadata = metadata;
    if (isNew(open)) return;
    for (const resolve of open.waiting.splice(0)) resolve();
  }

  #failed(error: unknown, component: string): void {
    const refused = error instanceof KafkaRefusal ? error.errorCode : null;
    if (refused === null || isCoordinatorGone(refused)) this.#options.wire.forgetCoordinator();
    if (refused !== null && isForbidden(refused)) {
      this.#options.reached(
        component,
        new SignalboxError('SB-3005', `${component}: ${codeName(refused)}`, { cause: error }),
      );
    } else this.#options.reached(component, problemOf(error, component));
  }
}

function isNew({ noted, written, notedMetadata, writtenMetadata }: OpenPartition): boolean {
  return noted > written || (noted === written && noted >= 0 && notedMetadata !== writtenMetadata);
}
