/** Doors of the API for its tests: a read model, a sender, a world and a worker that say what they are told. */
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { WorkerHealth } from '../engine/options.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type { Heartbeat } from '../engine/ports-ledger.ts';
import type { FleetStatus, LocationView, ReadModel, TransactionView, Why } from '../engine/ports-read.ts';
import type { ApiDoors } from './doors.ts';

export const FLEET: FleetStatus = {
  topic: 'transactions',
  group: 'signalbox',
  asOf: '2026-11-25T12:00:00.000Z',
  completed: 40,
  rolledBack: 3,
  deadLetters: 1,
  duplicates: 2,
  executing: 5,
  inDoubt: 1,
  reversing: 0,
  held: 0,
  parked: 0,
  waiting: 9,
  workers: [
    {
      worker: 'w-1',
      version: '0.1.0',
      startedAt: '2026-11-25T11:00:00.000Z',
      heartbeatAt: '2026-11-25T11:59:59.500Z',
      alive: true,
      draining: false,
      partitions: [0, 1],
      waiting: 9,
      lanes: 6,
      rssBytes: 100_000_000,
    },
  ],
  partitions: [
    { partition: 0, owner: 'w-1', epoch: 2, watermark: 30, published: 20, lastNumber: 21, lag: 4 },
    { partition: 1, owner: 'w-1', epoch: 1, watermark: null, published: 0, lastNumber: 0, lag: null },
  ],
};

export const TRANSACTION: TransactionView = {
  id: 'T-1',
  topic: 'transactions',
  partition: 0,
  offset: 12,
  location: 'ATM-1',
  slot: 1,
  state: 'completed',
  type: 'withdraw',
  plan: '1:apply',
  step: 0,
  token: '77',
  attempts: 1,
  takeovers: 0,
  code: null,
  detail: null,
  reason: null,
  payload: { id: 'T-1', type: 'withdraw', data: { amount: 100 } },
  evidence: { apply: { receipt: 'r' } },
  recordAt: '2026-11-25T11:59:00.000Z',
  beganAt: '2026-11-25T11:59:00.100Z',
  changedAt: '2026-11-25T11:59:00.700Z',
  finishedAt: '2026-11-25T11:59:00.700Z',
  notAfter: '2026-11-25T11:59:30.100Z',
  deadline: '2026-11-25T12:14:00.100Z',
  nextAttemptAt: null,
  result: { partition: 0, number: 9, published: true },
  history: [],
};

export const WHY: Why = {
  location: 'ATM-1',
  asOf: '2026-11-25T12:00:00.000Z',
  concurrency: 1,
  paused: false,
  holders: [],
  parked: 0,
  waitingInMemory: null,
  partition: 0,
  owner: 'w-1',
  ownerAlive: true,
  last: null,
  cause: 'Nothing holds it.',
  next: 'The next record begins at once.',
  exit: 'Nothing to free.',
};

export const LOCATION: LocationView = {
  location: 'ATM-1',
  state: 'executing',
  holders: 1,
  concurrency: 1,
  waiting: 4,
  since: '2026-11-25T11:59:58.000Z',
  paused: false,
};

export const HEARTBEAT: Heartbeat = {
  version: '0.1.0',
  startedAtMs: 1_000,
  draining: false,
  partitions: [0, 1],
  waiting: 9,
  lanes: 6,
  rssBytes: 100_000_000,
  lag: { 0: 4 },
  deepest: { 'ATM-1': 4 },
};

type Sent = Parameters<TransactionSender['send']>[0][number];

/** What a test may turn: the clock, failures, the worker's health, and what was sent. */
export class FakeWorld {
  nowMs = Date.parse('2026-11-25T12:00:00.000Z');
  failure: SignalboxError | null = null;
  hanging = false;
  health: WorkerHealth = { ready: true, problems: [] };
  heartbeat: Heartbeat = HEARTBEAT;
  statusReads = 0;
  readonly sent: Sent[] = [];
  readonly defects: SignalboxError[] = [];
  readonly timers: { readonly atMs: number; readonly run: () => void }[] = [];

  readonly world: World = {
    now: () => this.nowMs,
    monotonic: () => this.nowMs,
    after: (ms, run) => {
      const timer = { atMs: this.nowMs + ms, run };
      this.timers.push(timer);
      return { cancel: () => void this.timers.splice(this.timers.indexOf(timer) >>> 0, 1) };
    },
    soon: (run) => queueMicrotask(run),
    random: () => 0.5,
    rssBytes: () => 1,
  };

  readonly read: ReadModel = {
    status: async () => {
      this.statusReads += 1;
      if (this.hanging) await new Promise(() => undefined);
      return this.#answer({ ...FLEET, asOf: new Date(this.nowMs).toISOString() });
    },
    transaction: async (id) => this.#answer(id === TRANSACTION.id ? TRANSACTION : null),
    why: async (location) => this.#answer({ ...WHY, location }),
    locations: async (limit) => this.#answer([LOCATION].slice(0, limit)),
    deadLetters: async () => this.#answer([]),
    close: async () => undefined,
  };

  doors(more: Partial<ApiDoors> = {}): ApiDoors {
    return {
      world: this.world,
      read: this.read,
      sender: {
        send: async (records) => {
          this.#answer(null);
          this.sent.push(...records);
        },
        close: async () => undefined,
      },
      types: {
        planOf: (type) => (type === 'unknown' ? null : { type, version: 1, steps: [], deadlineMs: 1 }),
        storedPlan: () => null,
        concurrencyOf: () => 1,
      },
      dedupeWindowMs: 1_000_000,
      worker: { health: () => this.health, snapshot: () => this.heartbeat },
      metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'signalbox_ready 1\n' },
      access: { kind: 'demo' },
      name: 'w-1',
      version: '0.1.0',
      topic: 'transactions',
      group: 'signalbox',
      more: () => ({}),
      onDefect: (error) => void this.defects.push(error),
      ...more,
    };
  }

  /** Moves the clock and runs the timers that are due. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.timers.filter(({ atMs }) => atMs <= this.nowMs)) timer.run();
  }

  #answer<T>(value: T): T {
    if (this.failure !== null) throw this.failure;
    return value;
  }
}
