/**
 * The lists of API and page over a ledger of several servers (src/engine/ports-lists.ts says what each is).
 *
 * SR1 and SR2 of sharded-read-model.ts hold here too.
 * SX1 A limit of a location is read on the location's shard, one by pattern on shard 0: as the workers do.
 * SX2 Every shard notes that a worker started or drains; shard 0 tells it.
 */
import { isPattern } from '../../core/pattern.ts';
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
  SeriesPoint,
  SeriesView,
  TransactionFilter,
  TransactionPage,
} from '../../engine/ports-lists.ts';
import { newestFirst } from './newest-first.ts';
import { searchShards } from './sharded-search.ts';
import { type ShardOptions, Shards } from './shards.ts';

/** As many as one server lists. */
const OPEN_LOCATIONS_MAX = 20_000;
const LIMITS_MAX = 1_000;
const PARTITIONS_SHOWN = 16;

const WORST_FIRST: readonly (string | null)[] = ['held', 'in_doubt', 'reversing', 'executing', 'received'];
const ATTENTION_FIRST: readonly string[] = ['held', 'in_doubt', 'reversing'];

export class ShardedLists implements Lists {
  readonly #shards: Shards<Lists>;

  constructor(options: ShardOptions<Lists>) {
    this.#shards = new Shards(options);
  }

  async transactions(filter: TransactionFilter): Promise<TransactionPage> {
    return await searchShards(filter, this.#shards);
  }

  /** Times from begin to outcome are counted on shard 0 for all (sharded-ledger.ts). */
  async series(range: { readonly rangeMs: number; readonly spanMs: number }): Promise<SeriesView> {
    const [home, ...others] = await this.#shards.each((shard) => shard.series(range));
    if (home === undefined) throw new Error('a ledger of shards has at least two');
    const points = new Map<string, SeriesPoint[]>();
    for (const { points: own } of others)
      for (const point of own) points.set(point.at, [...(points.get(point.at) ?? []), point]);
    return { ...home, points: home.points.map((point) => added(point, points.get(point.at) ?? [])) };
  }

  async events(of: { readonly sinceMs: number; readonly limit: number }): Promise<FleetEvent[]> {
    const lists = await this.#shards.each((shard) => shard.events(of));
    // What a full list leaves out lies before its oldest.
    const full = lists.filter((events) => events.length >= of.limit);
    const [complete = ''] = full
      .map((events) => events.at(-1)?.at ?? '')
      .sort()
      .reverse();
    return lists
      .flatMap((events, number) => events.filter(({ kind }) => number === 0 || kind === 'hand_over')) // SX2
      .filter(({ at }) => at >= complete)
      .sort((a, b) => byText(b.at, a.at))
      .slice(0, of.limit);
  }

  // ------------------------------------------------------------------------------------------ locations

  async openLocations(): Promise<OpenLocation[]> {
    const lists = await this.#ofLocations((shard) => shard.openLocations());
    return lists
      .map((each) => ({ each, rank: openRank(each) }))
      .sort((a, b) => a.rank - b.rank || bySince(a.each, b.each))
      .slice(0, OPEN_LOCATIONS_MAX)
      .map(({ each }) => each);
  }

  async locationNames(after: string | null, limit: number): Promise<string[]> {
    const lists = await this.#shards.each((shard) => shard.locationNames(after, limit));
    return [...new Set(lists.flat())].sort(byText).slice(0, limit);
  }

  async recent(locations: readonly string[]): Promise<RecentOfLocation[]> {
    const whereIs = await this.#shards.whereIs();
    const lists = await this.#shards.each(async (shard, number) => {
      const own = locations.filter((location) => (whereIs?.(location) ?? 0) === number);
      return own.length === 0 ? [] : await shard.recent(own);
    });
    return lists.flat();
  }

  async locationDetail(location: string): Promise<LocationDetail> {
    const whereIs = await this.#shards.whereIs();
    const number = whereIs?.(location) ?? 0;
    const detail = await this.#shards.at(number, (shard) => shard.locationDetail(location));
    const audit = detail.audit.map((row) => ({ ...row, sequence: this.#sequenceOf(row, number) }));
    return { ...detail, audit };
  }

  // ------------------------------------------------------------------------------------------ attention

  async attention(limit: number): Promise<AttentionItem[]> {
    const lists = await this.#shards.each((shard) => shard.attention(limit));
    return lists
      .flat()
      .sort(
        (a, b) =>
          ATTENTION_FIRST.indexOf(a.state) - ATTENTION_FIRST.indexOf(b.state) || byText(a.since, b.since),
      )
      .slice(0, limit);
  }

  async deadLetterCodes(): Promise<DeadLetterCode[]> {
    const codes = new Map<string, DeadLetterCode>();
    for (const each of (await this.#shards.each((shard) => shard.deadLetterCodes())).flat()) {
      const before = codes.get(each.code);
      codes.set(each.code, before === undefined ? each : together(before, each));
    }
    return [...codes.values()].sort(
      (a, b) => Number(b.open > 0) - Number(a.open > 0) || byText(b.lastAt, a.lastAt),
    );
  }

  // ------------------------------------------------------------------------------------------ people

  /** Their sequences name their shard already (migrations/0008_shards.sql). */
  async commands({ below, limit, ...of }: Parameters<Lists['commands']>[0]): Promise<CommandRow[]> {
    const { count } = this.#shards;
    const ownOf = (row: CommandRow) => ({ ...row, sequence: Math.floor(row.sequence / count) });
    const ask = async (
      shard: number,
      own: number | null,
      some: Pick<typeof of, 'id' | 'open'>,
      rows: number,
    ) => {
      const before = own === null ? null : own * count + shard;
      const asked = { ...some, below: before, limit: rows };
      const found = await this.#shards.at(shard, (door) => door.commands(asked));
      return found.map(ownOf);
    };
    return await newestFirst(
      { below, limit },
      {
        shards: count,
        page: (shard, own, rows) => ask(shard, own, of, rows),
        any: async (shard, own) => (await ask(shard, own, { id: null, open: false }, 1))[0] ?? null,
        at: ({ proposedAt }) => proposedAt,
      },
    );
  }

  /** Each shard has a chain of its own; a row's sequence in the whole is `own * shards + shard`. */
  async audit({ below, limit, ...of }: Parameters<Lists['audit']>[0]): Promise<AuditRow[]> {
    return await newestFirst(
      { below, limit },
      {
        shards: this.#shards.count,
        page: (shard, own, rows) =>
          this.#shards.at(shard, (door) => door.audit({ ...of, below: own, limit: rows })),
        any: async (shard, own) => {
          const newest = { target: null, actor: null, below: own, limit: 1 };
          return (await this.#shards.at(shard, (door) => door.audit(newest)))[0] ?? null;
        },
        at: ({ at }) => at,
      },
    );
  }

  async limits(): Promise<LimitView[]> {
    const limits = await this.#ofLocations((shard) => shard.limits()); // SX1
    return limits
      .sort((a, b) => Number(b.paused) - Number(a.paused) || byText(b.changedAt, a.changedAt))
      .slice(0, LIMITS_MAX);
  }

  async close(): Promise<void> {
    await this.#shards.each((shard) => shard.close());
  }

  #sequenceOf({ sequence }: AuditRow, number: number): number {
    return sequence * this.#shards.count + number;
  }

  /** What each shard says of the locations that are its own; of patterns what shard 0 says. */
  async #ofLocations<T extends { readonly location: string }>(
    ask: (shard: Lists) => Promise<T[]>,
  ): Promise<T[]> {
    const whereIs = await this.#shards.whereIs();
    const lists = await this.#shards.each(async (shard, number) => {
      const home = (location: string) => (isPattern(location) ? 0 : whereIs?.(location)) ?? number;
      return (await ask(shard)).filter(({ location }) => home(location) === number);
    });
    return lists.flat();
  }
}

function added(point: SeriesPoint, others: readonly SeriesPoint[]): SeriesPoint {
  const sum = (of: 'completed' | 'rolledBack' | 'inDoubt') =>
    others.reduce((total, other) => total + other[of], point[of]);
  return { ...point, completed: sum('completed'), rolledBack: sum('rolledBack'), inDoubt: sum('inDoubt') };
}

function openRank({ state, paused, waiting }: OpenLocation): number {
  const worst = WORST_FIRST.indexOf(state);
  if (worst >= 0) return worst;
  if (paused) return WORST_FIRST.length;
  return WORST_FIRST.length + (waiting > 0 ? 1 : 2);
}

function bySince(a: OpenLocation, b: OpenLocation): number {
  return byText(a.since ?? '~', b.since ?? '~') || byText(a.location, b.location);
}

function together(a: DeadLetterCode, b: DeadLetterCode): DeadLetterCode {
  const [firstAt = a.firstAt] = [a.firstAt, b.firstAt].sort(byText);
  const [lastAt = a.lastAt] = [b.lastAt, a.lastAt].sort(byText).reverse();
  return {
    code: a.code,
    records: a.records + b.records,
    open: a.open + b.open,
    partitions: [...new Set([...a.partitions, ...b.partitions])]
      .sort((x, y) => x - y)
      .slice(0, PARTITIONS_SHOWN),
    firstAt,
    lastAt,
  };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
