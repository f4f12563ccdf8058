/** From the rows of sql/list-*.sql to the views of ports-lists.ts. Pure. */
import { quantile } from '../../core/latency.ts';
import type { State } from '../../core/states.ts';
import type {
  AttentionItem,
  AuditRow,
  CommandRow,
  DeadLetterCode,
  FleetEvent,
  LimitView,
  LocationDetail,
  OpenLocation,
  RecentOfLocation,
  SeriesView,
  TransactionItem,
} from '../../engine/ports-lists.ts';
import { effectiveLimit, type LimitRow } from './read-limits.ts';
import { payloadOf, stepName, type TransitionRow, transitionView, utc, utcOrNull } from './read-views.ts';

/** Percentiles of fewer cases say nothing. */
const CASES_MIN = 20;
const MINUTES = 60;

export interface ItemRow extends Omit<TransactionItem, 'step' | 'payload'> {
  readonly step: number;
  readonly plan: string;
  /** The bytes in base64. */
  readonly payload: string | null;
}

export function itemView({ plan, step, payload, ...row }: ItemRow): TransactionItem {
  return {
    ...row,
    step: stepName(plan, step),
    payload: payload === null ? null : payloadOf(payload),
    recordAt: utc(row.recordAt),
    parkedAt: utcOrNull(row.parkedAt),
    beganAt: utcOrNull(row.beganAt),
    changedAt: utc(row.changedAt),
    finishedAt: utcOrNull(row.finishedAt),
    deadline: utcOrNull(row.deadline),
    nextAttemptAt: utcOrNull(row.nextAttemptAt),
  };
}

export interface SeriesRow {
  readonly now: string;
  readonly points: readonly {
    readonly at: string;
    readonly completed: number;
    readonly rolledBack: number;
    readonly inDoubt: number;
  }[];
  readonly latency: readonly number[];
}

export function seriesView({ now, points, latency }: SeriesRow, spanMs: number): SeriesView {
  const enough = latency.reduce((sum, count) => sum + count, 0) >= CASES_MIN;
  return {
    asOf: utc(now),
    spanMs,
    points: points.map((point) => ({ ...point, at: utc(point.at) })),
    p50Ms: enough ? quantile(latency, 0.5) : null,
    p99Ms: enough ? quantile(latency, 0.99) : null,
  };
}

export function eventView(row: FleetEvent): FleetEvent {
  return { ...row, at: utc(row.at) };
}

export interface OpenLocationsRow {
  readonly patterns: readonly LimitRow[];
  readonly locations: readonly (LimitRow & {
    readonly state: State | null;
    readonly holders: number;
    readonly waiting: number;
    readonly since: string | null;
    readonly waitingSince: string | null;
    readonly holder: string | null;
    readonly code: OpenLocation['code'];
    readonly detail: string | null;
  })[];
}

/** `concurrencyOf`: the slots where no operator has set them. */
export function openLocationViews(
  { locations, patterns }: OpenLocationsRow,
  concurrencyOf: (location: string) => number,
): OpenLocation[] {
  return locations.map((row) => {
    const limit = effectiveLimit(row.location, { own: row, patterns });
    return {
      location: row.location,
      state: row.state,
      holders: row.holders,
      concurrency: limit.concurrency ?? concurrencyOf(row.location),
      paused: limit.pause !== null,
      pauseReason: limit.pause?.reason ?? null,
      pausedBy: limit.pause?.actor ?? null,
      waiting: row.waiting,
      since: utcOrNull(row.since),
      waitingSince: utcOrNull(row.waitingSince),
      holder: row.holder,
      code: row.code,
      detail: row.detail,
    };
  });
}

export interface RecentRow {
  readonly location: string;
  /** The newest first. */
  readonly outcomes: readonly ('completed' | 'rolled_back')[];
  /** How many minutes ago each ended. */
  readonly minutes: readonly number[];
  readonly p50Ms: number | null;
  readonly rolledBack: number;
  readonly counted: number;
}

export function recentView({ minutes, outcomes, ...row }: RecentRow): RecentOfLocation {
  const perMinute = new Array<number>(MINUTES).fill(0);
  for (const ago of minutes) {
    const place = MINUTES - 1 - ago;
    perMinute[place] = (perMinute[place] ?? 0) + 1;
  }
  return { ...row, outcomes: outcomes.toReversed(), perMinute };
}

export interface LocationDetailRow {
  readonly now: string;
  readonly recent: readonly { readonly item: ItemRow; readonly history: readonly TransitionRow[] }[];
  readonly queue: readonly ItemRow[];
  readonly audit: readonly AuditRow[];
  readonly events: readonly FleetEvent[];
}

export function locationDetailView(row: LocationDetailRow): LocationDetail {
  return {
    asOf: utc(row.now),
    recent: row.recent.map(({ item, history }) => ({
      ...itemView(item),
      history: history.map(transitionView),
    })),
    queue: row.queue.map(itemView),
    audit: row.audit.map(auditView),
    events: row.events.map(eventView),
  };
}

export interface AttentionRow {
  readonly item: ItemRow;
  readonly since: string;
  readonly behind: number;
}

export function attentionView({ item, since, behind }: AttentionRow): AttentionItem {
  return { ...itemView(item), since: utc(since), behind };
}

export function deadLetterCodeView(row: DeadLetterCode): DeadLetterCode {
  return { ...row, firstAt: utc(row.firstAt), lastAt: utc(row.lastAt) };
}

export function commandView(row: CommandRow): CommandRow {
  return {
    ...row,
    proposedAt: utc(row.proposedAt),
    expiresAt: utcOrNull(row.expiresAt),
    decidedAt: utcOrNull(row.decidedAt),
  };
}

export function auditView(row: AuditRow): AuditRow {
  return { ...row, at: utc(row.at) };
}

export function limitView(row: LimitView): LimitView {
  return { ...row, changedAt: utc(row.changedAt) };
}
