/** From the rows of sql/read-*.sql to the views of ports-read.ts. Pure. */
import type { JsonValue } from '../../core/answer.ts';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { HoldingState, State } from '../../core/states.ts';
import type {
  DeadLetterView,
  FleetStatus,
  LocationView,
  PartitionStatus,
  TransactionView,
  TransitionView,
  Why,
  WorkerStatus,
} from '../../engine/ports-read.ts';
import { effectiveLimit, type LimitRow } from './read-limits.ts';
import { type HolderFacts, type WhyFacts, whySentences } from './read-why.ts';

/** A time as Postgres writes it into JSON; the views carry RFC 3339 in UTC with milliseconds. */
type Time = string;

export interface StatusRow {
  readonly now: Time;
  readonly partitions: readonly (Omit<PartitionStatus, 'lag'> & {
    readonly skipped: number;
    readonly rolledBack: number;
    readonly deadLetters: number;
    readonly duplicates: number;
  })[];
  readonly open: Readonly<Partial<Record<State, number>>>;
  readonly workers: readonly (Omit<WorkerStatus, 'startedAt' | 'heartbeatAt'> & {
    readonly startedAt: Time;
    readonly heartbeatAt: Time;
    readonly lag: Readonly<Record<string, number>>;
  })[];
}

export function statusView(row: StatusRow, of: { topic: string; group: string }): FleetStatus {
  const lags = new Map(row.workers.map(({ worker, lag }) => [worker, lag]));
  const numbers = sum(row.partitions, ({ lastNumber, skipped }) => lastNumber - skipped);
  const rolledBack = sum(row.partitions, (partition) => partition.rolledBack);
  const parked = row.open.received ?? 0;
  const alive = row.workers.filter((worker) => worker.alive);
  return {
    ...of,
    asOf: utc(row.now),
    completed: numbers - rolledBack,
    rolledBack,
    deadLetters: sum(row.partitions, ({ deadLetters }) => deadLetters),
    duplicates: sum(row.partitions, ({ duplicates }) => duplicates),
    executing: row.open.executing ?? 0,
    inDoubt: row.open.in_doubt ?? 0,
    reversing: row.open.reversing ?? 0,
    held: row.open.held ?? 0,
    parked,
    waiting: parked + sum(alive, ({ waiting }) => waiting),
    workers: row.workers.map(({ lag: _, ...worker }) => ({
      ...worker,
      startedAt: utc(worker.startedAt),
      heartbeatAt: utc(worker.heartbeatAt),
    })),
    partitions: row.partitions.map(({ partition, owner, epoch, watermark, published, lastNumber }) => ({
      partition,
      owner,
      epoch,
      watermark,
      published,
      lastNumber,
      lag: owner === null ? null : (lags.get(owner)?.[partition] ?? null),
    })),
  };
}

// ------------------------------------------------------------------------------------- transaction

export interface TransitionRow extends Omit<TransitionView, 'at' | 'startedAt' | 'answeredAt'> {
  readonly at: Time;
  readonly startedAt: Time | null;
  readonly answeredAt: Time | null;
}

export interface TransactionRow
  extends Omit<TransactionView, 'payload' | 'evidence' | 'result' | 'history' | 'step'> {
  readonly step: number;
  /** The bytes in base64. */
  readonly payload: string;
  /** JSON text. */
  readonly evidence: string | null;
  readonly number: number | null;
  readonly published: boolean;
  readonly history: readonly TransitionRow[];
}

export function transactionView(row: TransactionRow): TransactionView {
  const { number, published, ...rest } = row;
  return {
    ...rest,
    payload: payloadOf(row.payload),
    evidence: row.evidence === null ? null : (JSON.parse(row.evidence) as JsonValue),
    recordAt: utc(row.recordAt),
    parkedAt: utcOrNull(row.parkedAt),
    beganAt: utcOrNull(row.beganAt),
    changedAt: utc(row.changedAt),
    finishedAt: utcOrNull(row.finishedAt),
    notAfter: utcOrNull(row.notAfter),
    deadline: utcOrNull(row.deadline),
    nextAttemptAt: utcOrNull(row.nextAttemptAt),
    result: number === null ? null : { partition: row.partition, number, published },
    history: row.history.map(transitionView),
  };
}

export function transitionView(row: TransitionRow): TransitionView {
  return {
    ...row,
    at: utc(row.at),
    startedAt: utcOrNull(row.startedAt),
    answeredAt: utcOrNull(row.answeredAt),
  };
}

/** What the ledger holds was JSON when it was accepted; should it not be, its text is still shown. */
export function payloadOf(base64: string): JsonValue {
  const text = Buffer.from(base64, 'base64').toString('utf8');
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

// ------------------------------------------------------------------------------------- why

export interface WhyRow {
  readonly now: Time;
  readonly holders: readonly {
    readonly id: string;
    readonly slot: number;
    readonly state: HoldingState;
    readonly step: number;
    readonly plan: string;
    readonly token: string;
    readonly since: Time;
    readonly code: ErrorCode | null;
    readonly detail: string | null;
    readonly attempts: number;
    readonly nextAttemptAt: Time | null;
    readonly notAfter: Time | null;
  }[];
  readonly parked: number;
  readonly parkedSince: Time | null;
  readonly partition: number | null;
  readonly epoch: number | null;
  readonly owner: {
    readonly worker: string;
    readonly heartbeatAt: Time | null;
    readonly waiting: number | null;
    readonly alive: boolean;
  } | null;
  readonly settings: LimitRow | null;
  readonly patterns: readonly LimitRow[];
  readonly last: { readonly id: string; readonly state: State; readonly finishedAt: Time } | null;
}

/** `of.concurrency`: the slots where no operator has set them. */
export function whyView(row: WhyRow, of: { location: string; concurrency: number }): Why {
  const { owner, settings, patterns, partition, parked } = row;
  const limit = effectiveLimit(of.location, { own: settings, patterns });
  const holders = row.holders.map((holder) => ({ ...holder, step: stepName(holder.plan, holder.step) }));
  const facts: WhyFacts = {
    location: of.location,
    atMs: Date.parse(row.now),
    concurrency: limit.concurrency ?? of.concurrency,
    paused: limit.pause === null ? null : pauseOf(limit.pause, of.location),
    holders: holders.map(
      (holder): HolderFacts => ({
        id: holder.id,
        state: holder.state,
        step: holder.step,
        sinceMs: Date.parse(holder.since),
        code: holder.code,
        detail: holder.detail,
        nextAttemptMs: msOrNull(holder.nextAttemptAt),
        notAfterMs: msOrNull(holder.notAfter),
      }),
    ),
    parked,
    waitingInMemory: owner?.alive === true ? owner.waiting : null, // what a dead worker held is on the topic again
    partition,
    owner:
      owner === null
        ? null
        : { worker: owner.worker, alive: owner.alive, heartbeatMs: msOrNull(owner.heartbeatAt) },
  };
  return {
    location: of.location,
    asOf: utc(row.now),
    concurrency: facts.concurrency,
    paused: facts.paused !== null,
    holders: holders.map(({ plan: _, ...holder }) => ({
      ...holder,
      since: utc(holder.since),
      nextAttemptAt: utcOrNull(holder.nextAttemptAt),
      notAfter: utcOrNull(holder.notAfter),
    })),
    parked,
    parkedSince: utcOrNull(row.parkedSince),
    waitingInMemory: facts.waitingInMemory,
    partition,
    epoch: row.epoch,
    owner: owner?.worker ?? null,
    ownerAlive: owner?.alive ?? null,
    last: row.last === null ? null : { ...row.last, finishedAt: utc(row.last.finishedAt) },
    ...whySentences(facts),
  };
}

function pauseOf({ location: by, reason, actor }: LimitRow, location: string): WhyFacts['paused'] {
  return { reason, who: actor, pattern: by === location ? null : by };
}

/** From the stored plan `<version>:<step>,<step>`. */
export function stepName(plan: string, index: number): string {
  return plan.slice(plan.indexOf(':') + 1).split(',')[index] ?? String(index);
}

// ------------------------------------------------------------------------------------- lists

export interface LocationsRow {
  readonly locations: readonly LocationRow[];
  readonly patterns: readonly LimitRow[];
}

interface LocationRow extends LimitRow {
  readonly state: State | null;
  readonly holders: number;
  readonly waiting: number;
  readonly since: Time | null;
}

/** `concurrencyOf`: the slots where no operator has set them. */
export function locationViews(
  { locations, patterns }: LocationsRow,
  concurrencyOf: (location: string) => number,
): LocationView[] {
  return locations.map((row) => {
    const { location, holders, waiting } = row;
    const limit = effectiveLimit(location, { own: row, patterns });
    return {
      location,
      state: row.state ?? 'clear',
      holders,
      concurrency: limit.concurrency ?? concurrencyOf(location),
      waiting,
      since: utcOrNull(row.since),
      paused: limit.pause !== null,
    };
  });
}

export interface DeadLetterRow extends Omit<DeadLetterView, 'at'> {
  readonly at: Time;
}

export function deadLetterView(row: DeadLetterRow): DeadLetterView {
  return { ...row, at: utc(row.at) };
}

// ------------------------------------------------------------------------------------- values

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

export function utc(time: Time): string {
  return new Date(time).toISOString();
}

export function utcOrNull(time: Time | null): string | null {
  return time === null ? null : utc(time);
}

function msOrNull(time: Time | null): number | null {
  return time === null ? null : Date.parse(time);
}
