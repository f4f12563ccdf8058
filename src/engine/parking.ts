/**
 * Parking (design 4.3): what waits long leaves memory for the ledger, so that a stuck location delays only itself.
 *
 * A lane is parked when it has not moved for `parkAfterMs`, or when it fills the memory of its partition while the
 * others run dry; a lane that is deep but moves is held back by the pause of the fetch.
 *
 * PK1 Parking goes from the head of the line, and nothing of a line is parked while an item of it is beginning: what
 *     the ledger holds of a lane is always a prefix of its records.
 * PK2 Parked rows come back a page at a time, in order, when their lane can use them.
 * PK3 Nothing is parked while ledger or log stand still: lanes that wait for those are not stuck.
 * PK4 At most `parkedMax` rows of a partition are parked, and at most `MOVING_MAX` records on their way to it.
 */
import { backOff } from '../core/back-off.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Lane, Lanes } from '../core/lanes.ts';
import { parked, parkRecord } from './begin-record.ts';
import { LedgerError, type ParkedRow } from './ports-ledger.ts';
import type { SlotHost } from './slot.ts';
import type { ParkedRecord, Waiting, WaitingRecord } from './slot-work.ts';

/** Rows read back at once: a few ms of work of a lane, and of its memory at most 16 MiB. */
const PAGE_ROWS = 64;
/** The next page is read when this many are left of the last one. */
const PAGE_LOW = 16;
/** Entries of one submission: several fit into a commit, beside those of the other lanes. */
const SUBMISSION_ENTRIES = 200;
/** Records on their way to the ledger, kept in memory until they are there. */
const MOVING_MAX = 5_000;
/** A commit under way for this long: the ledger stands still. */
const LEDGER_STILL_MS = 500;
/** Waits between two reliefs of a full memory: a lone hot lane must not drive its backlog into the ledger. */
const RELIEF_FIRST_MS = 1_000;
const RELIEF_MAX_MS = 60_000;

export interface ParkingHost extends SlotHost {
  readonly lanes: Lanes<Waiting>;
  readonly draining: boolean;
  pump(lane: Lane<Waiting>): void;
  /** The record leaves the memory of its lane. */
  leaves(record: WaitingRecord): void;
  /** Runs work of the partition: a bug in it stops the worker, a hand-over waits for it. */
  work(run: () => Promise<void>): void;
}

/** What is known of a lane with parked rows; ends with the lane. */
interface Reading {
  /** Offset of the last row that was read back. */
  readTo: number;
  /** A read under way. */
  loading: Promise<Loaded> | null;
}

/** A lane that had something waiting when it was looked at last. */
interface Stand {
  readonly moves: number;
  readonly sinceMs: number;
}

/** Too early: rows were on their way to the ledger, or out of it, and none was there yet. */
type Loaded = 'rows' | 'too early' | 'nothing';

export class Parking {
  readonly #host: ParkingHost;
  readonly #readings = new WeakMap<Lane<Waiting>, Reading>();
  #stands = new Map<string, Stand>();
  #moving = 0;
  #fullTold = false;
  #reliefAtMs = 0;
  #reliefMs = RELIEF_FIRST_MS;
  /** Parked rows being cancelled, and those of them that a begin found gone. */
  readonly #cancelling = new Map<string, { gone: boolean }>();

  constructor(host: ParkingHost) {
    this.#host = host;
  }

  /** Records that are leaving memory and not in the ledger yet. */
  get moving(): number {
    return this.#moving;
  }

  // ------------------------------------------------------------------------------------------ into the ledger

  /** Looks at all lanes; several times a second. `memoryFull`: the fetch is paused because too much waits. */
  look(memoryFull: boolean): void {
    const { doors, committer, lanes, draining } = this.#host;
    const nowMs = doors.world.monotonic();
    if (draining || !doors.log.mayBegin() || committer.busyMs(nowMs) > LEDGER_STILL_MS) {
      this.#stands.clear();
      return;
    }
    const stands = new Map<string, Stand>();
    for (const lane of lanes.values()) {
      if (lane.waiting === 0) continue;
      const before = this.#stands.get(lane.key);
      const stand = before?.moves === lane.moves ? before : { moves: lane.moves, sinceMs: nowMs };
      stands.set(lane.key, stand);
      if (nowMs - stand.sinceMs >= doors.settings.parkAfterMs) this.#park(lane);
    }
    this.#stands = stands;
    if (memoryFull) this.#relieve(nowMs);
  }

  /** The deepest lane leaves memory when it holds more than all others together. */
  #relieve(nowMs: number): void {
    const { lanes } = this.#host;
    if (nowMs < this.#reliefAtMs) return;
    let deepest: Lane<Waiting> | null = null;
    for (const lane of lanes.values()) if (lane.waiting > (deepest?.waiting ?? 0)) deepest = lane;
    if (deepest === null || deepest.waiting * 2 < lanes.waiting) return;
    const calm = nowMs - this.#reliefAtMs > 2 * this.#reliefMs;
    this.#reliefMs = calm ? RELIEF_FIRST_MS : Math.min(2 * this.#reliefMs, RELIEF_MAX_MS);
    this.#reliefAtMs = nowMs + this.#reliefMs;
    this.#park(deepest);
  }

  /** A hand-over: records behind parked ones cannot begin any more, so they are parked too, up to this offset. */
  closeHoles(limit: number): void {
    for (const lane of [...this.#host.lanes.values()]) {
      if (lane.parked > 0 && lane.lineHead !== null && lane.lineHead.offset <= limit) this.#park(lane);
    }
  }

  #park(lane: Lane<Waiting>): void {
    const { lanes } = this.#host;
    if (!lanes.mayPark(lane)) return;
    const room = Math.min(this.#room(), MOVING_MAX - this.#moving);
    if (room <= 0) return;
    const records = lanes.park(lane, room).filter((record) => record.parked === null);
    for (const record of records) this.#host.leaves(record);
    this.#moving += records.length;
    for (let start = 0; start < records.length; start += SUBMISSION_ENTRIES) {
      const some = records.slice(start, start + SUBMISSION_ENTRIES);
      this.#host.work(() => this.#submit(lane, some));
    }
  }

  #room(): number {
    const { doors, lanes, state } = this.#host;
    const { parkedMax } = doors.settings;
    const room = parkedMax - lanes.parked;
    if (room > 0) this.#fullTold = false;
    else if (!this.#fullTold) {
      this.#fullTold = true;
      const detail = `partition ${state.partition}: ${lanes.parked} rows`;
      doors.observer.problem(new SignalboxError('SB-2012', detail), { partition: state.partition });
    }
    return room;
  }

  async #submit(lane: Lane<Waiting>, records: readonly WaitingRecord[]): Promise<void> {
    const { committer, state, lanes, doors } = this.#host;
    const entries = records.map((record) => parkRecord(this.#host, lane.key, record));
    doors.passing?.('parking');
    const fates = await committer.submit(state, entries);
    if (!state.alive) return;
    doors.passing?.('parked');
    for (const [index, record] of records.entries()) {
      const [entry, fate] = [entries[index], fates[index]];
      if (entry === undefined || fate === undefined) continue;
      const isParked = await parked(this.#host, { record, entry, fate });
      if (!state.alive) return;
      this.#moving -= 1;
      if (!isParked) lanes.dropParked(lane, 1);
      this.#host.account(record);
    }
    if (lanes.get(lane.key) === lane) this.#host.pump(lane);
  }

  // ------------------------------------------------------------------------------------------ back

  /** Reads the next page of the lane if it can use one now. */
  wantPage(lane: Lane<Waiting>): void {
    const { state, draining, limits } = this.#host;
    if (lane.parked === lane.paged || lane.paged > PAGE_LOW || draining || !state.alive) return;
    const usable = lane.paged > 0 || lane.holding < limits.slotsOf(lane.key);
    const reading = this.#readingOf(lane);
    if (!usable || reading.loading !== null) return;
    this.#host.work(() => {
      const loading = this.#load(lane, reading).finally(() => {
        reading.loading = null;
      });
      reading.loading = loading;
      return loading.then((loaded) => this.#afterLoad(lane, loaded));
    });
  }

  async #load(lane: Lane<Waiting>, reading: Reading): Promise<Loaded> {
    const { state, lanes, doors } = this.#host;
    const settled = this.#moving === 0 && this.#cancelling.size === 0;
    const rows = await this.#read(lane.key, reading.readTo);
    if (rows === null || !state.alive) return 'nothing';
    doors.passing?.('page-read');
    const last = rows.at(-1);
    if (lane.paged + rows.length > lane.parked) {
      // Somebody has taken the partition over since, and parked more than was told here.
      this.#host.disturbed();
      return 'nothing';
    }
    if (last !== undefined) {
      reading.readTo = last.offset;
      const items = rows.map((row): ParkedRecord => ({ offset: row.offset, parked: row }));
      lanes.unpark(lane, items);
      return 'rows';
    }
    if (!settled || this.#cancelling.size > 0) return 'too early';
    this.#host.disturbed(); // the ledger holds fewer rows than it told
    return 'nothing';
  }

  #afterLoad(lane: Lane<Waiting>, loaded: Loaded): void {
    const { state, lanes } = this.#host;
    if (!state.alive || lanes.get(lane.key) !== lane) return;
    if (loaded === 'rows' && lane.paged > 0) this.#host.pump(lane);
    // Rows that arrived in the ledger while it was being read could not ask for themselves.
    if (loaded === 'too early' && this.#moving === 0 && this.#cancelling.size === 0) this.wantPage(lane);
  }

  async #read(location: string, after: number): Promise<ParkedRow[] | null> {
    const { doors, state } = this.#host;
    const { world, settings, ledger } = doors;
    const { partition } = state;
    for (let attempt = 0; state.alive; attempt += 1) {
      try {
        return await ledger.parked({ partition, location, after, limit: PAGE_ROWS });
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        const { retryFirstMs: firstMs, retryMaxMs: maxMs } = settings;
        const ms = backOff({ attempt, firstMs, maxMs, random: world.random });
        await new Promise<void>((resume) => world.after(ms, resume));
      }
    }
    return null;
  }

  #readingOf(lane: Lane<Waiting>): Reading {
    const known = this.#readings.get(lane);
    if (known !== undefined) return known;
    const made: Reading = { readTo: -1, loading: null };
    this.#readings.set(lane, made);
    return made;
  }

  // ------------------------------------------------------------------------------------------ cancelled rows

  /** A parked row is about to be cancelled: a begin may find it gone before `cancelled` is called. */
  cancelling(id: string): void {
    this.#cancelling.set(id, { gone: false });
  }

  /** Its cancelling is on its way to the ledger, or being worked in. */
  isCancelling(id: string): boolean {
    return this.#cancelling.has(id);
  }

  /** A begin found the row no longer parked. */
  gone(id: string): void {
    const cancelling = this.#cancelling.get(id);
    if (cancelling !== undefined) cancelling.gone = true;
  }

  /** The ledger's answer to the cancelling: the row is out of its lane, or (`done` false) nothing has changed. */
  async cancelled(id: string, location: string, done: boolean): Promise<void> {
    const { lanes, state } = this.#host;
    const lane = lanes.get(location);
    // A page that was being read meanwhile may hold the row or not.
    if (lane !== undefined) await this.#readings.get(lane)?.loading;
    const gone = this.#cancelling.get(id)?.gone === true;
    this.#cancelling.delete(id);
    if (!done || gone || lane === undefined || !state.alive || lanes.get(location) !== lane) return;
    if (lane.beginningItem?.parked?.id === id) return; // its begin will find it gone
    if (!lanes.dropPaged(lane, (item) => item.parked?.id === id)) lanes.dropParked(lane, 1);
    if (lanes.get(location) === lane) this.#host.pump(lane);
  }
}
