/** The lists of API and page on Postgres (src/engine/ports-lists.ts says what each is). */
import type {
  AttentionItem,
  AuditRow,
  CommandRow,
  DeadLetterCode,
  FleetEvent,
  LimitView,
  Lists,
  LocationDetail,
  OpenLocation,
  RecentOfLocation,
  SeriesView,
  TransactionFilter,
  TransactionPage,
} from '../../engine/ports-lists.ts';
import { LIST_SQL } from './list-files.ts';
import {
  type AttentionRow,
  attentionView,
  auditView,
  commandView,
  deadLetterCodeView,
  eventView,
  type LocationDetailRow,
  limitView,
  locationDetailView,
  type OpenLocationsRow,
  openLocationViews,
  type RecentRow,
  recentView,
  type SeriesRow,
  seriesView,
} from './list-views.ts';
import { ReadPool, type ReadPoolOptions } from './read-pool.ts';
import { Search } from './search.ts';
import { partitionIn } from './topic-partitions.ts';

export interface ListsOptions extends ReadPoolOptions {
  readonly topic: string;
  readonly group: string;
  /** Slots of a location that no operator has set (`Types.concurrencyOf`); by default 1. */
  readonly concurrencyOf?: (location: string) => number;
}

/** More locations than this at which something is open are not listed, the least bad ones. */
const OPEN_LOCATIONS_MAX = 20_000;
/** Outcomes of one location that its curve and its percentile are made from. */
const RECENT_MAX = 300;
/** Outcomes and parked rows that the page of a location shows. */
const SPANS_MAX = 40;
const QUEUE_MAX = 100;

export class PostgresLists implements Lists {
  readonly #pool: ReadPool;
  readonly #search: Search;
  readonly #topic: string;
  readonly #group: string;
  readonly #concurrencyOf: (location: string) => number;

  constructor(options: ListsOptions) {
    this.#topic = options.topic;
    this.#group = options.group;
    this.#concurrencyOf = options.concurrencyOf ?? (() => 1);
    this.#pool = new ReadPool(options);
    this.#search = new Search(this.#pool, options.topic);
  }

  async transactions(filter: TransactionFilter): Promise<TransactionPage> {
    return await this.#search.page(filter);
  }

  async series({ rangeMs, spanMs }: { rangeMs: number; spanMs: number }): Promise<SeriesView> {
    return seriesView(
      await this.#pool.one<SeriesRow>(LIST_SQL.series, [this.#topic, rangeMs, spanMs]),
      spanMs,
    );
  }

  async events({ sinceMs, limit }: { sinceMs: number; limit: number }): Promise<FleetEvent[]> {
    const rows = await this.#pool.one<FleetEvent[]>(LIST_SQL.events, [
      this.#topic,
      Math.floor(sinceMs),
      limit,
    ]);
    return rows.map(eventView);
  }

  async openLocations(): Promise<OpenLocation[]> {
    const values = [this.#topic, this.#group, OPEN_LOCATIONS_MAX];
    const row = await this.#pool.one<OpenLocationsRow>(LIST_SQL.openLocations, values);
    return openLocationViews(row, this.#concurrencyOf);
  }

  async locationNames(after: string | null, limit: number): Promise<string[]> {
    return await this.#pool.one<string[]>(LIST_SQL.locationNames, [after, limit]);
  }

  async recent(locations: readonly string[]): Promise<RecentOfLocation[]> {
    const rows = await this.#pool.one<RecentRow[]>(LIST_SQL.recent, [locations, RECENT_MAX]);
    return rows.map(recentView);
  }

  async locationDetail(location: string): Promise<LocationDetail> {
    const partition = await partitionIn(this.#pool, this.#topic, location);
    const values = [this.#topic, location, partition, SPANS_MAX, QUEUE_MAX];
    return locationDetailView(await this.#pool.one<LocationDetailRow>(LIST_SQL.locationDetail, values));
  }

  async attention(limit: number): Promise<AttentionItem[]> {
    const rows = await this.#pool.one<AttentionRow[]>(LIST_SQL.attention, [this.#topic, limit]);
    return rows.map(attentionView);
  }

  async deadLetterCodes(): Promise<DeadLetterCode[]> {
    const rows = await this.#pool.one<DeadLetterCode[]>(LIST_SQL.deadLetterCodes, [this.#topic]);
    return rows.map(deadLetterCodeView);
  }

  async commands({ id, open, below, limit }: Parameters<Lists['commands']>[0]): Promise<CommandRow[]> {
    const values = [this.#topic, id, open, below, limit];
    return (await this.#pool.one<CommandRow[]>(LIST_SQL.commands, values)).map(commandView);
  }

  async audit({ target, actor, below, limit }: Parameters<Lists['audit']>[0]): Promise<AuditRow[]> {
    const values = [target, actor, below, limit];
    return (await this.#pool.one<AuditRow[]>(LIST_SQL.audit, values)).map(auditView);
  }

  async limits(): Promise<LimitView[]> {
    return (await this.#pool.one<LimitView[]>(LIST_SQL.limits)).map(limitView);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
