/**
 * The transaction worker in a process of one's own.
 *
 * States: new → starting (waits for the ledger) → running → stopping → stopped.
 * SL1 `start` rejects only for what no waiting mends; an absent ledger or log is waited for, and told.
 * SL2 After `stop` was called nothing begins; it resolves when steps under way have ended or their time is used up.
 */

import type { EventStream } from '../consumer/event-stream.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Observer, WorkerSurface } from '../engine/options.ts';
import type { World } from '../engine/ports.ts';
import type { ReadModel, TransactionView, Why } from '../engine/ports-read.ts';
import type { SignalboxEvent, SignalboxHealth, Submission, Submitted } from './options.ts';

export interface OpenSignalbox {
  readonly worker: WorkerSurface;
  readonly read: Pick<ReadModel, 'transaction' | 'why'>;
  submit(submission: Submission): Promise<Submitted>;
  /** Everything but the worker, which closes what it works on. */
  close(): Promise<void>;
}

export interface SignalboxDoors {
  readonly world: World;
  readonly events: EventStream<SignalboxEvent>;
  /** Opens ledger, log and participants. Nothing stays open when it throws. */
  open(): Promise<OpenSignalbox>;
  readonly drainTimeoutMs: number;
  /** Keeps the process alive until the function it gives back is called: timers of the world do not. */
  readonly keepAlive: () => () => void;
  readonly onProblem: ((error: SignalboxError) => void) | null;
}

/** Between two tries to reach the ledger at start, in ms. */
const RETRY_MS = 1_000;

export class Signalbox<Type extends string = string> {
  readonly #doors: SignalboxDoors;
  #state: 'new' | 'starting' | 'running' | 'stopped' = 'new';
  #opening: Promise<OpenSignalbox | null> | null = null;
  #open: OpenSignalbox | null = null;
  /** Why it is still starting. */
  #obstacle: SignalboxError | null = null;
  #started: Promise<void> | null = null;
  #stopped: Promise<{ readonly clean: boolean }> | null = null;
  #letGo: () => void = () => undefined;

  constructor(doors: SignalboxDoors) {
    this.#doors = doors;
  }

  /**
   * Brings the ledger up to date where it may, and joins the group. Resolves when joining has begun: `health` says when
   * partitions are taken over. Rejects for a configuration that cannot work (`error.final`).
   */
  start(): Promise<void> {
    if (this.#state === 'stopped') return Promise.reject(notRunning());
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Begins nothing more, lets steps under way end within the time, hands its partitions over and closes everything. */
  stop({ drainMs = this.#doors.drainTimeoutMs }: { readonly drainMs?: number } = {}): Promise<{
    /** False: steps were under way when the time was used up; their next owner settles them. */
    readonly clean: boolean;
  }> {
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Puts a transaction on the topic, where any worker of the group may take it. Checked as a worker checks it: throws
   * SB-11xx for what would become a dead letter, SB-3xxx when it could not be produced. Again with the same id and
   * content it changes nothing.
   */
  async submit(submission: Submission<Type>): Promise<Submitted> {
    return await this.#running().submit(submission);
  }

  /** As the ledger has it, for the whole fleet; null while it is not there: not sent, or for less than about a second. */
  async transaction(id: string): Promise<TransactionView | null> {
    return await this.#running().read.transaction(id);
  }

  /** Who holds the location, since when, what happens next, and who may change it. */
  async why(location: string): Promise<Why> {
    return await this.#running().read.why(location);
  }

  /** From now on, of this process; ends with it. A reader that does not read loses the oldest. */
  events(): AsyncGenerator<SignalboxEvent, void, undefined> {
    return this.#doors.events.read();
  }

  health(): SignalboxHealth {
    const open = this.#open;
    if (open === null) {
      const problems = this.#obstacle === null ? [] : [this.#obstacle];
      return { ready: false, problems, partitions: [], waiting: 0, parked: 0, lanes: 0, lag: {} };
    }
    const { ready, problems } = open.worker.health();
    const { partitions, waiting, parked, lanes, lag } = open.worker.snapshot();
    return { ready: ready && this.#state === 'running', problems, partitions, waiting, parked, lanes, lag };
  }

  // ------------------------------------------------------------------------------------------ life

  async #start(): Promise<void> {
    this.#state = 'starting';
    this.#letGo = this.#doors.keepAlive();
    try {
      this.#opening = this.#untilOpen();
      const open = await this.#opening;
      if (open === null || this.#state !== 'starting') return;
      this.#open = open;
      await open.worker.start();
      if (this.#state === 'starting') this.#state = 'running';
    } catch (error) {
      await this.stop({ drainMs: 0 });
      throw error;
    }
  }

  /** Null: it was stopped meanwhile. */
  async #untilOpen(): Promise<OpenSignalbox | null> {
    while (this.#state === 'starting') {
      try {
        const open = await this.#doors.open();
        this.#obstacle = null;
        return open;
      } catch (error) {
        if (!(error instanceof SignalboxError) || error.code !== 'SB-2001') throw error;
        this.#obstacle = error;
        this.#tell(error);
        await new Promise<void>((resume) => this.#doors.world.after(RETRY_MS, resume));
      }
    }
    return null;
  }

  async #stop(drainMs: number): Promise<{ readonly clean: boolean }> {
    this.#state = 'stopped';
    const open = await this.#opening?.catch(() => null);
    try {
      const { clean } = (await open?.worker.stop(drainMs)) ?? { clean: true };
      return { clean };
    } finally {
      this.#open = null;
      await open?.close();
      this.#doors.events.end();
      this.#letGo();
    }
  }

  #running(): OpenSignalbox {
    if (this.#open === null || this.#state === 'stopped') throw notRunning();
    return this.#open;
  }

  #tell(error: SignalboxError): void {
    this.#doors.onProblem?.(error);
    this.#doors.events.tell({ type: 'problem', error });
  }
}

function notRunning(): SignalboxError {
  return new SignalboxError('SB-7004');
}

/** What a worker tells, as events. */
export function eventObserver({ events, onProblem }: Pick<SignalboxDoors, 'events' | 'onProblem'>): Observer {
  return {
    problem: (error, context) => {
      onProblem?.(error);
      const { partition, location, id } = context;
      events.tell({ type: 'problem', error, ...known({ partition, location, id }) });
    },
    handOver: ({ partition, what }) => events.tell({ type: 'hand-over', partition, what }),
    committed: () => undefined,
    called: ({ call, outcome, location, ms }) => events.tell({ type: 'called', call, outcome, location, ms }),
    finished: ({ id, location, state, ms }) => events.tell({ type: 'finished', id, location, state, ms }),
    deadLetter: ({ partition, offset, code }) =>
      events.tell({ type: 'dead-letter', partition, offset, code }),
  };
}

/** Without what is undefined. */
function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
