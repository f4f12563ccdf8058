/** What the simulated ledger is made of: rows, partitions, commands, and the context of one commit. */
import type { Token } from '../core/answer.ts';
import type { State } from '../core/states.ts';
import type {
  Begin,
  ChangeAnswer,
  Command,
  LedgerIdentity,
  Park,
  PartitionHead,
  PartitionState,
  Row,
} from '../engine/ports-ledger.ts';

export type SimRow = { -readonly [K in keyof Row]: Row[K] } & {
  topic: string;
  detail: string | null;
  worker: string;
  expiresAtMs: number | null;
  recordTimeMs: number;
};

/** A decision of a person, and what became of it. */
export interface SimCommand {
  readonly topic: string;
  readonly command: Command;
  outcome: 'applied' | 'refused' | null;
  /** State and token that were found when it was refused. */
  found: string | null;
}

export interface SimTransition {
  readonly id: string;
  readonly atMs: number;
  readonly event: string;
  readonly from: State | 'none';
  readonly to: State;
  readonly token: Token | null;
  readonly worker: string;
  readonly epoch: number;
}

export interface SimPartition {
  topicId: string;
  group: string;
  epoch: number;
  worker: string;
  watermark: number | null;
  published: number;
  lastNumber: number;
  commits: number;
  /** Numbers given before the ledger lost history. */
  skipped: number;
  rolledBack: number;
  deadLetters: number;
  duplicates: number;
}

export interface Context {
  readonly identity: LedgerIdentity;
  readonly atMs: number;
  readonly heads: ReadonlyMap<number, PartitionHead>;
  /** Last number given, by partition. */
  readonly numbers: Map<number, number>;
}

export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

export function stateOf({ epoch, watermark, published, lastNumber, commits }: SimPartition): PartitionState {
  return { epoch, watermark, published, lastNumber, commits };
}

export function newPartition({ topicId, group, worker }: LedgerIdentity): SimPartition {
  return {
    topicId,
    group,
    epoch: 0,
    worker,
    watermark: null,
    published: 0,
    lastNumber: 0,
    commits: 0,
    skipped: 0,
    rolledBack: 0,
    deadLetters: 0,
    duplicates: 0,
  };
}

/** A row as a park or an expired begin leaves it: no slot, no token, no attempt. */
export function unbegunRow(
  record: Omit<Begin, 'kind'> | Omit<Park, 'kind'>,
  {
    identity,
    atMs,
    state,
  }: { readonly identity: LedgerIdentity; readonly atMs: number; readonly state: State },
): SimRow {
  return {
    id: record.id,
    topic: identity.topic,
    partition: record.partition,
    offset: record.offset,
    location: record.location,
    slot: 0,
    state,
    step: 0,
    token: NO_TOKEN,
    type: record.type,
    plan: record.plan,
    payload: record.payload,
    evidence: null,
    reason: null,
    code: null,
    byPerson: false,
    detail: null,
    attempts: 0,
    takeovers: 0,
    notAfterMs: 0,
    deadlineMs: 0,
    beganAtMs: atMs,
    finishedAtMs: null,
    number: null,
    traceparent: record.traceparent,
    worker: identity.worker,
    expiresAtMs: record.expiresAtMs,
    recordTimeMs: record.recordTimeMs,
  };
}

/** The first attempt of a row begins. */
export function attempt(
  row: SimRow,
  begin: Pick<Begin, 'slot' | 'plan' | 'timeoutMs' | 'deadlineMs'>,
  {
    identity,
    atMs,
    token,
  }: { readonly identity: LedgerIdentity; readonly atMs: number; readonly token: Token },
): void {
  row.slot = begin.slot;
  row.plan = begin.plan;
  row.state = 'executing';
  row.token = token;
  row.attempts = 1;
  row.worker = identity.worker;
  row.beganAtMs = atMs;
  row.deadlineMs = Math.min(atMs + begin.deadlineMs, row.expiresAtMs ?? Number.MAX_SAFE_INTEGER);
  row.notAfterMs = Math.min(atMs + begin.timeoutMs, row.deadlineMs);
}

export function fits({ epoch, commits }: PartitionHead, known: SimPartition): boolean {
  return known.epoch === epoch && (commits === null || known.commits === commits);
}

export function skipNumbers(partition: SimPartition | undefined, epoch: number, number: number): boolean {
  if (partition?.epoch !== epoch || partition.lastNumber >= number) return false;
  partition.skipped += number - partition.lastNumber;
  partition.lastNumber = number;
  partition.published = number;
  return true;
}

/** What `Row` says of a row that never began. */
const NO_TOKEN = '0';

export function tokenOf({ token }: SimRow): Token | null {
  return token === NO_TOKEN ? null : token;
}

/** What the person reads whose command was refused. */
export function foundText({ state, token }: ChangeAnswer & { status: 'changed' }): string {
  if (state === null) return 'no such transaction';
  return token === null ? state : `${state} under token ${token}`;
}
