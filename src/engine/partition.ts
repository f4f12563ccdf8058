/**
 * One partition in the hands of its owner: the lanes of its locations between fetch and ledger (design 4).
 * Made by a take-over with what the ledger held; ends drained, lost or fenced.
 *
 * States: working → draining (begins nothing above the highest offset begun, or nothing at all) → over.
 *
 * P1 `accept` is synchronous: a batch goes into the lanes in order before anything else runs.
 * P2 Nothing begins without `log.mayBegin()` in the same turn.
 * P3 A record is closed in the watermark only when the ledger holds it: begun, ended, dead-lettered, or known before.
 * P4 Once over, nothing is committed and no call is started.
 */
import { assert, SignalboxError } from '../core/errors/catalogue.ts';
import { type Lane, Lanes } from '../core/lanes.ts';
import { partitionOf } from '../core/murmur2.ts';
import { isLocation } from '../core/names.ts';
import { Tally } from '../core/tally.ts';
import { SPAN_MAX, Watermark } from '../core/watermark.ts';
import { deadLetterWithoutLane } from './begin-record.ts';
import { CommandDesk } from './command-desk.ts';
import type { Committer } from './committer.ts';
import { Decisions } from './decisions.ts';
import { LaneBlocks } from './lane-blocks.ts';
import type { Limits } from './limits.ts';
import { Naps } from './naps.ts';
import type { WorkerDoors } from './options.ts';
import { Parking, type ParkingHost } from './parking.ts';
import type { PartitionState } from './partition-state.ts';
import type { RecordBatch } from './ports.ts';
import type { StoredResult, TakeOver } from './ports-ledger.ts';
import { Publisher } from './publisher.ts';
import { adoptHolder, runSlot } from './run-slot.ts';
import { type Waiting, type WaitingRecord, waitingRecord } from './slot-work.ts';

export type Owned = Extract<TakeOver, { outcome: 'owned' }>;

/** Records fetched beyond the oldest one that is not accounted: half of what the watermark can hold, 9 bytes each. */
const SPAN_PAUSE = SPAN_MAX / 2;

/**
 * While a hand-over closes the holes below the highest offset taken, no other record of the partition begins. After
 * this time none does: the next owner meets what is above the holes again and recognises it, which costs less than
 * a partition that stands still behind one deep lane.
 */
const HOLES_MS_MAX = 5_000;

export interface PartitionOptions {
  readonly doors: WorkerDoors;
  readonly committer: Committer;
  readonly partition: number;
  readonly owned: Owned;
  readonly limits: Limits;
  /** An exception that nothing expects: the worker stops. */
  readonly onBug: (error: unknown) => void;
  /** How many partitions this worker owns now: the share of its memory depends on it. */
  readonly ownedCount: () => number;
  /** The ledger's rows are not what their only writer left: give the partition up and take it over again. */
  readonly onDisturbed: (partition: Partition) => void;
}

export class Partition implements ParkingHost {
  readonly doors: WorkerDoors;
  readonly committer: Committer;
  readonly state: PartitionState;
  readonly lanes: Lanes<Waiting>;
  readonly limits: Limits;
  readonly naps: Naps;
  readonly decisions = new Decisions();
  readonly commands: CommandDesk;
  readonly #parking: Parking;
  readonly #options: PartitionOptions;
  readonly #publisher: Publisher;
  readonly #abort = new AbortController();
  readonly #blocks: LaneBlocks;
  /** Slots at work: in a commit or a call, not waiting for a back-off or a person. */
  #active = 0;
  #waitingBytes = 0;
  /** Records without a usable key on their way to the dead letters. */
  #outsideLanes = 0;
  #fetchPaused = false;
  #misplacedReported = false;
  /** Of the records that are begun, on their way to it, or on their way to the dead letters. */
  #highestTaken = -1;
  /** Begin nothing above this offset; infinite while working. */
  #beginLimit = Number.POSITIVE_INFINITY;
  #whenQuiet: (() => void) | null = null;

  constructor(options: PartitionOptions) {
    const { doors, owned, partition, committer } = options;
    this.#options = options;
    this.doors = doors;
    this.committer = committer;
    this.limits = options.limits;
    this.lanes = new Lanes({ concurrencyOf: (location) => this.limits.slotsOf(location) });
    this.naps = new Naps(doors.world);
    this.#parking = new Parking(this);
    this.commands = new CommandDesk(this, this.#parking);
    this.#blocks = new LaneBlocks(doors.world, doors.settings);
    this.state = {
      partition,
      watermark: new Watermark(owned.watermark),
      duplicates: new Tally(),
      epoch: owned.epoch,
      lastNumber: owned.lastNumber,
      commits: owned.commits,
      published: owned.published,
      landedWatermark: owned.watermark,
      landedPublished: owned.published,
      headAtMs: Number.NEGATIVE_INFINITY,
      alive: true,
    };
    const { log, ledger, world, settings, observer, passing } = doors;
    this.#publisher = new Publisher({ state: this.state, log, ledger, world, settings, observer, passing });
    committer.join(this.state);
  }

  /** Goes on with what the take-over found: holders in their slots, and parked rows before all that is fetched. */
  adopt({ holders, parked }: Pick<Owned, 'holders' | 'parked'>): void {
    for (const { location, count } of parked) this.lanes.foundParked(location, count);
    for (const row of holders) {
      const lane = this.lanes.occupy(row.location, row.slot);
      this.work(() => adoptHolder({ partition: this, lane, number: row.slot }, row));
    }
    for (const { location } of parked) this.#pumpKey(location);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get draining(): boolean {
    return this.#beginLimit !== Number.POSITIVE_INFINITY;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  // ------------------------------------------------------------------------------------------ fetch to lane

  accept(batch: RecordBatch): void {
    if (!this.state.alive || this.draining) return;
    const { watermark } = this.state;
    const touched = new Set<Lane<Waiting>>();
    for (let index = 0; index < batch.count; index += 1) {
      const record = waitingRecord(batch, index, watermark.open(batch.offsets[index] ?? 0));
      const lane = this.#enqueue(record);
      if (lane !== null) touched.add(lane);
    }
    watermark.advance(batch.nextOffset);
    for (const lane of touched) this.pump(lane);
    this.#checkFetch();
  }

  /** The lane the record waits in now; null when it has no location and can only be a dead letter. */
  #enqueue(record: WaitingRecord): Lane<Waiting> | null {
    const { key } = record;
    if (key === null || !isLocation(key)) {
      this.#outsideLanes += 1;
      this.#highestTaken = Math.max(this.#highestTaken, record.offset);
      this.work(() => deadLetterWithoutLane(this, record).then(() => this.#deadLettered()));
      return null;
    }
    if (this.lanes.get(key) === undefined) this.#checkPlace(key, record.offset);
    this.#waitingBytes += record.value?.length ?? 0;
    return this.lanes.push(key, record);
  }

  #deadLettered(): void {
    this.#outsideLanes -= 1;
    if (this.#fetchPaused) this.#checkFetch();
  }

  /** One partitioner for all producers: a location must live in one partition (design 3). */
  #checkPlace(location: string, offset: number): void {
    const { topic } = this.doors.log;
    const { partition } = this.state;
    if (this.#misplacedReported || partitionOf(location, topic.partitions) === partition) return;
    this.#misplacedReported = true;
    const detail = `location ${location} at ${topic.name}/${partition}/${offset} belongs to partition ${partitionOf(location, topic.partitions)}`;
    this.doors.observer.problem(new SignalboxError('SB-3010', detail), { partition, location });
  }

  #checkFetch(): void {
    const { settings, log } = this.doors;
    const owned = Math.max(1, this.#options.ownedCount());
    const records = Math.min(settings.waitingRecordsPerPartitionMax, settings.waitingRecordsMax / owned);
    const bytes = settings.waitingBytesMax / owned;
    const waiting = this.lanes.waiting + this.#outsideLanes + this.#parking.moving;
    const { span } = this.state.watermark;
    const full = waiting > records || this.#waitingBytes > bytes || span > SPAN_PAUSE;
    const roomy = waiting <= records / 2 && this.#waitingBytes <= bytes / 2 && span <= SPAN_PAUSE / 2;
    if (full && !this.#fetchPaused) {
      this.#fetchPaused = true;
      log.pause(this.state.partition);
    } else if (roomy && this.#fetchPaused) {
      this.#fetchPaused = false;
      log.resume(this.state.partition);
    }
  }

  // ------------------------------------------------------------------------------------------ lanes to slots

  /** Starts slots for what may begin in this lane now; parked rows are read back for it. */
  pump(lane: Lane<Waiting>): void {
    while (this.#mayTake(lane)) {
      const taken = this.lanes.take(lane);
      if (taken === null) break;
      this.#taken(taken.item);
      this.work(() => runSlot({ partition: this, lane, number: taken.slot }, taken.item));
    }
    if (lane.parked > 0) this.#parking.wantPage(lane);
  }

  /** Work that a hand-over waits for. A bug in it must stop the worker before it commits on a wrong premise. */
  work(run: () => Promise<void>): void {
    this.active();
    run().then(
      () => this.inactive(),
      (error: unknown) => this.#options.onBug(error),
    );
  }

  /** The next record for a slot whose holder ends in the commit that is being made; null when none may begin. */
  takeInto(lane: Lane<Waiting>, slot: number): Waiting | null {
    if (!this.#mayTake(lane)) return null;
    const record = this.lanes.takeInto(lane, slot);
    if (record !== null) this.#taken(record);
    if (lane.parked > 0) this.#parking.wantPage(lane);
    return record;
  }

  #mayTake(lane: Lane<Waiting>): boolean {
    const head = lane.head;
    return (
      head !== null &&
      this.state.alive &&
      // The ledger holds parked rows anyway: a hand-over need not begin them.
      (head.parked === null ? head.offset <= this.#beginLimit : !this.draining) &&
      !this.#blocks.has(lane.key) &&
      this.doors.log.mayBegin()
    );
  }

  #taken(record: Waiting): void {
    if (record.parked !== null) return;
    this.#highestTaken = Math.max(this.#highestTaken, record.offset);
    this.leaves(record);
  }

  /** The record leaves the memory of its lane. */
  leaves(record: WaitingRecord): void {
    this.#waitingBytes -= record.value?.length ?? 0;
  }

  /** The begin was busy or paused: the record waits at the head of its lane for a back-off. */
  putBack(lane: Lane<Waiting>, slot: number): void {
    const record = lane.beginningItem;
    this.lanes.putBack(lane, slot);
    if (record?.parked === null) this.#waitingBytes += record.value?.length ?? 0;
    this.#blocks.block(lane.key, () => {
      if (this.state.alive) this.pump(lane);
    });
  }

  /** The record is accounted without holding the slot: duplicate, dead letter, expired, cancelled. */
  skip(lane: Lane<Waiting>, slot: number, record: Waiting): void {
    this.#blocks.clear(lane.key);
    this.lanes.skip(lane, slot);
    if (record.parked === null) this.account(record);
    this.#pumpKey(lane.key);
  }

  /** The holder ended and nothing followed it in its commit. */
  release(lane: Lane<Waiting>, slot: number): void {
    this.lanes.release(lane, slot);
    this.#pumpKey(lane.key);
  }

  /** By key, because an idle lane has been dropped. */
  #pumpKey(location: string): void {
    const lane = this.lanes.get(location);
    if (lane !== undefined) this.pump(lane);
  }

  pumpAll(): void {
    if (!this.state.alive) return;
    for (const lane of [...this.lanes.values()]) this.pump(lane);
  }

  /** The record is durable as a holder. */
  began(lane: Lane<Waiting>, slot: number, record: Waiting): void {
    this.lanes.began(lane, slot);
    this.#blocks.clear(lane.key);
    if (record.parked === null) this.account(record);
  }

  parkedIsGone(id: string): void {
    this.#parking.gone(id);
  }

  /** Looks for lanes that do not move; several times a second. */
  look(): void {
    if (!this.state.alive) return;
    this.#parking.look(this.#fetchPaused);
    if (this.#fetchPaused) this.#checkFetch();
  }

  /** P3: the ledger holds the record. */
  account(record: WaitingRecord): void {
    if (!this.state.alive) return;
    this.state.watermark.close(record.ticket);
    if (this.#fetchPaused) this.#checkFetch();
  }

  /** The ledger has committed the outcome: its result can be published. `beganAtMs` null: it never began. */
  finished(result: StoredResult, beganAtMs: number | null): void {
    if (!this.state.alive) return;
    this.#publisher.add(result);
    const { id, location, state, finishedAtMs, traceparent } = result;
    const ms = beganAtMs === null ? 0 : finishedAtMs - beganAtMs;
    this.doors.observer.finished({ id, location, state, ms, traceparent });
  }

  // ------------------------------------------------------------------------------------------ the end

  /** A slot starts or ends to wait without a call or a commit under way. */
  inactive(): void {
    this.#active -= 1;
    assert(this.#active >= 0, 'more slots ended than started');
    if (this.#active === 0) this.#whenQuiet?.();
  }

  active(): void {
    this.#active += 1;
  }

  disturbed(): void {
    this.#options.onDisturbed(this);
  }

  /**
   * Planned hand-over: begins nothing above the highest offset taken (`begins: 'below'`: the holes below it are closed,
   * so that the watermark passes all that is begun), or nothing at all (`'none'`, SIGTERM), lets what is under way
   * finish, publishes, writes the head, and is over. False when the budget ended first: what is under way then is in
   * doubt for the next owner.
   */
  async drain(begins: 'below' | 'none', budgetMs: number): Promise<boolean> {
    if (!this.state.alive) return true;
    this.#beginLimit = begins === 'below' ? this.#highestTaken : -1;
    const { world, log } = this.doors;
    const holes = world.after(HOLES_MS_MAX, () => this.beginNothing());
    let timer = { cancel: () => {} };
    const timeUp = new Promise<'time up'>((resolve) => {
      timer = world.after(budgetMs, () => resolve('time up'));
    });
    const finished = this.#quiet()
      .then(() => this.#publisher.idle())
      .then(() => this.committer.writeHead(this.state))
      .then(() => 'finished' as const);
    const outcome = await Promise.race([finished, timeUp]);
    timer.cancel();
    holes.cancel();
    if (outcome === 'finished' && this.state.alive && this.state.landedWatermark !== null) {
      log.commit(this.state.partition, this.state.landedWatermark);
    }
    this.over();
    return outcome === 'finished';
  }

  /** SIGTERM: what is under way goes on, nothing begins. */
  beginNothing(): void {
    this.#beginLimit = -1;
  }

  /** Resolves when no slot is in a call or a commit; those that only wait are woken up and end. */
  #quiet(): Promise<void> {
    this.pumpAll();
    this.#parking.closeHoles(this.#beginLimit);
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenQuiet = resolve;
    });
  }

  /** Lost, fenced or drained: forgets everything at once. */
  over(): void {
    this.state.alive = false;
    this.committer.leave(this.state);
    this.#blocks.cancelAll();
    this.naps.endAll();
    this.#abort.abort();
    this.#whenQuiet?.();
  }
}
