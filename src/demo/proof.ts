/**
 * The three counters of the demo that must stay 0, and how much was checked for them.
 * P1 `lost`: a record that was acknowledged, is neither in the ledger nor a dead letter, although a later record
 *    of the same location is in it (begin order is record order), or although nothing is left to do at all.
 * P2 `overlaps` and `doubled` come from the site's own journal: more effects at once at a location than its limit ever
 *    allowed since the demo first ran, a step effected twice.
 * P3 Every produced record is followed until its outcome; what is still open is stored, so the next start goes on.
 */
import { matches } from '../core/pattern.ts';
import type { World } from '../engine/ports.ts';
import type { Row } from '../engine/ports-ledger.ts';
import type { LimitView } from '../engine/ports-lists.ts';
import type { ProducedRecord } from './traffic.ts';

export interface SiteFacts {
  readonly effects: number;
  readonly open: number;
  /** By location, how many effects began as the second at once there, the third, and so on. */
  readonly crowded: Readonly<Record<string, readonly number[]>>;
  readonly doubled: number;
}

export interface ProofDoors {
  readonly world: World;
  /** Rows of these ids, from one statement. */
  readonly rows: (
    ids: readonly string[],
  ) => Promise<readonly Pick<Row, 'id' | 'state' | 'beganAtMs' | 'finishedAtMs'>[]>;
  /** Ids of the latest dead letters. */
  readonly deadLetterIds: () => Promise<ReadonlySet<string>>;
  readonly site: () => Promise<SiteFacts>;
  /** Limits that operators have set, of locations and patterns. */
  readonly limits: () => Promise<readonly Pick<LimitView, 'location' | 'concurrency'>[]>;
  /** What holds without them. */
  readonly concurrencyOf: (location: string) => number;
  /** Nothing executing, waiting or on the topic, by a view of the fleet younger than `sinceMs`. */
  readonly idleSince: (sinceMs: number) => boolean;
}

export interface ProofView {
  /** Null while nothing was checked. */
  readonly overlaps: number | null;
  readonly doubled: number | null;
  readonly lost: number | null;
  /** Records whose outcome was looked up, and effects the site counted. */
  readonly checkedRecords: number;
  readonly checkedEffects: number;
  /** Produced and not ended yet. */
  readonly open: number;
  /** Time from begin to outcome over the last minute, in ms; null without cases. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface ProofState {
  readonly open: readonly ProducedRecord[];
  readonly checkedRecords: number;
  readonly sequence: number;
  /** The highest limit that was ever set, by location or pattern. */
  readonly allowed: Readonly<Record<string, number>>;
}

/** Ids asked at once, and in one round: the oldest first, so that nothing is left behind. */
const IDS_PER_QUERY = 1_000;
const IDS_PER_ROUND = 4_000;
/** A record must have been on the topic for this long before an idle fleet counts it as lost. */
const SETTLED_MS = 10_000;
const LATENCY_WINDOW_MS = 60_000;
/** A minute at 160 transactions a second; above it the window is shorter. */
const LATENCIES_MAX = 10_000;
/** A ratio or percentile of fewer cases says nothing. */
const LATENCIES_MIN = 20;

export class Proof {
  readonly #doors: ProofDoors;
  readonly #open = new Map<string, ProducedRecord>();
  readonly #suspects = new Set<string>();
  /** Highest sequence of each location that the ledger was seen to hold. */
  readonly #seen = new Map<string, number>();
  readonly #latencies: { readonly atMs: number; readonly ms: number }[] = [];
  readonly #allowed: Map<string, number>;
  #checked: number;
  #sequence: number;
  #site: SiteFacts | null = null;

  constructor(doors: ProofDoors, state: ProofState | null) {
    this.#doors = doors;
    this.#checked = state?.checkedRecords ?? 0;
    this.#sequence = state?.sequence ?? 0;
    this.#allowed = new Map(Object.entries(state?.allowed ?? {}));
    for (const record of state?.open ?? []) this.#open.set(record.id, record);
  }

  /** Sequence of the last record that is known to be on the topic. */
  get sequence(): number {
    return this.#sequence;
  }

  get open(): number {
    return this.#open.size;
  }

  produced(records: readonly ProducedRecord[]): void {
    for (const record of records) {
      this.#open.set(record.id, record);
      this.#sequence = Math.max(this.#sequence, record.sequence);
    }
  }

  /** One round; throws when ledger or site do not answer, and then has changed nothing wrongly. */
  async check(): Promise<void> {
    const startedMs = this.#doors.world.now();
    const ids = [...this.#open.keys()].slice(0, IDS_PER_ROUND);
    for (let from = 0; from < ids.length; from += IDS_PER_QUERY) {
      await this.#look(ids.slice(from, from + IDS_PER_QUERY), startedMs);
    }
    const site = await this.#doors.site();
    // Asked after the site, so that a limit under which something began there is among them.
    for (const { location, concurrency } of await this.#doors.limits()) {
      if (concurrency !== null) {
        this.#allowed.set(location, Math.max(concurrency, this.#allowed.get(location) ?? 0));
      }
    }
    this.#site = site;
  }

  view(): ProofView {
    const window = this.#latencies.filter(({ atMs }) => atMs > this.#doors.world.now() - LATENCY_WINDOW_MS);
    const sorted = window.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number) =>
      sorted.length < LATENCIES_MIN ? null : (sorted[Math.floor(share * sorted.length)] ?? null);
    const effects = (this.#site?.effects ?? 0) + (this.#site?.open ?? 0);
    return {
      overlaps: effects === 0 ? null : this.#overlaps(),
      doubled: effects === 0 ? null : (this.#site?.doubled ?? null),
      lost: this.#checked + this.#suspects.size === 0 ? null : this.#suspects.size,
      checkedRecords: this.#checked,
      checkedEffects: effects,
      open: this.#open.size,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  }

  state(): ProofState {
    return {
      open: [...this.#open.values()],
      checkedRecords: this.#checked,
      sequence: this.#sequence,
      allowed: Object.fromEntries(this.#allowed),
    };
  }

  #overlaps(): number {
    let overlaps = 0;
    for (const [location, begun] of Object.entries(this.#site?.crowded ?? {})) {
      const most = Math.max(
        this.#doors.concurrencyOf(location),
        ...[...this.#allowed].flatMap(([pattern, limit]) => (matches(pattern, location) ? limit : [])),
      );
      // Place n counts those that began as number n + 2.
      for (const times of begun.slice(most - 1)) overlaps += times;
    }
    return overlaps;
  }

  async #look(ids: readonly string[], askedMs: number): Promise<void> {
    const rows = new Map((await this.#doors.rows(ids)).map((row) => [row.id, row]));
    for (const id of ids) {
      const record = this.#open.get(id);
      if (record === undefined || !rows.has(id)) continue;
      this.#suspects.delete(id);
      this.#seen.set(record.location, Math.max(this.#seen.get(record.location) ?? 0, record.sequence));
    }
    for (const row of rows.values()) this.#note(row);
    await this.#suspect(
      ids.filter((id) => !rows.has(id)),
      askedMs,
    );
  }

  #note({
    id,
    state,
    beganAtMs,
    finishedAtMs,
  }: Pick<Row, 'id' | 'state' | 'beganAtMs' | 'finishedAtMs'>): void {
    if (state !== 'completed' && state !== 'rolled_back') return;
    this.#end(id);
    if (finishedAtMs === null) return;
    this.#latencies.push({ atMs: finishedAtMs, ms: finishedAtMs - beganAtMs });
    if (this.#latencies.length > LATENCIES_MAX) this.#latencies.splice(0, LATENCIES_MAX / 10);
  }

  /** The rows were read after `#seen` was known, so whatever is missing and older than it is lost, or dead. */
  async #suspect(missing: readonly string[], askedMs: number): Promise<void> {
    const suspects = missing.filter((id) => this.#overtaken(id) || this.#leftBehind(id, askedMs));
    if (suspects.length === 0) return;
    const dead = await this.#doors.deadLetterIds();
    for (const id of suspects) {
      if (dead.has(id)) this.#end(id);
      else this.#suspects.add(id);
    }
  }

  #overtaken(id: string): boolean {
    const record = this.#open.get(id);
    return record !== undefined && record.sequence < (this.#seen.get(record.location) ?? 0);
  }

  #leftBehind(id: string, askedMs: number): boolean {
    const record = this.#open.get(id);
    if (record === undefined || askedMs - record.producedAtMs < SETTLED_MS) return false;
    return this.#doors.idleSince(record.producedAtMs + SETTLED_MS);
  }

  #end(id: string): void {
    this.#suspects.delete(id);
    if (this.#open.delete(id)) this.#checked += 1;
  }
}
