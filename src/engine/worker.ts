/**
 * One worker: joins the group, takes partitions over, and runs them until it is stopped.
 *
 * W1 A partition is fetched only after its take-over in the ledger, from the ledger's watermark.
 * W2 An assignment that ended (lost, handed over) starts nothing any more, whatever was under way for it.
 * W3 A fenced partition is forgotten; while the group still gives it to us it is taken over again after a random wait.
 */
import { backOff } from '../core/back-off.ts';
import { type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';
import { Committer } from './committer.ts';
import { Desk } from './desk.ts';
import { Limits } from './limits.ts';
import { withHistory } from './lost-history.ts';
import type { WorkerDoors, WorkerHealth, WorkerSurface } from './options.ts';
import { Partition } from './partition.ts';
import type { PartitionState } from './partition-state.ts';
import type { LogListener, RecordBatch, Timer } from './ports.ts';
import { type Heartbeat, LedgerError } from './ports-ledger.ts';
import { Retention } from './retention.ts';
import { countedBy, Series } from './series.ts';

const HEARTBEAT_MS = 1_000;
/** Commands and limits of operators are in force this soon. */
const DESK_MS = 1_000;
/** Finals past their time are deleted in small batches this often. */
const RETENTION_MS = 10_000;
/** Heads, group offsets and lanes that stand still are looked at this often. */
const TICK_MS = 250;
/** A heartbeat names this many of the deepest lanes: enough for `why`, small enough for a row. */
const DEEPEST_LANES = 50;
/** Wait before taking a fenced partition over again: two owners that both think they are right part ways. */
const RETAKE_FIRST_MS = 200;
const RETAKE_MAX_MS = 1_000;

/** One assignment of one partition by the group. */
interface Assignment {
  readonly partition: number;
  readonly groupOffset: number | null;
  /** Commits that were answered before the partition was lost: the ledger holds as many. */
  commits: number;
  current: boolean;
  running: Partition | null;
  /** Why it is not running, for health. */
  problem: SignalboxError | null;
}

export class Worker implements WorkerSurface, LogListener {
  readonly #doors: WorkerDoors;
  readonly #committers: Committer[];
  readonly #assignments = new Map<number, Assignment>();
  readonly #startedAtMs: number;
  readonly #limits: Limits;
  readonly #desk: Desk;
  readonly #retention: Retention;
  readonly #series = new Series();
  #ledgerProblem: SignalboxError | null = null;
  #ledgerAnswered = false;
  #lag: Record<number, number> = {};
  #stopping = false;
  #drainedInTime = true;
  #timers: Timer[] = [];
  #bug: unknown = null;

  constructor(doors: WorkerDoors) {
    const { ledger, world, settings, types, passing } = doors;
    const observer = countedBy(this.#series, doors.observer, () => world.now());
    this.#doors = { ...doors, observer };
    this.#startedAtMs = world.now();
    this.#limits = new Limits((location) => types.concurrencyOf(location));
    this.#desk = new Desk({ ledger, limits: this.#limits });
    this.#retention = new Retention(doors);
    this.#committers = Array.from({ length: settings.ledgerConnections }, () => {
      const onFenced = (state: PartitionState) => this.#fenced(state);
      const onHealth = (problem: SignalboxError | null) => this.#ledgerHealth(problem);
      const onBug = (error: unknown) => this.#stopForBug(error);
      return new Committer({ ledger, world, settings, observer, passing, onFenced, onHealth, onBug });
    });
  }

  // ------------------------------------------------------------------------------------------ life

  async start(): Promise<void> {
    this.#repeat(TICK_MS, async () => this.#tick());
    this.#repeat(HEARTBEAT_MS, () => this.#heartbeat());
    this.#repeat(DESK_MS, () => this.#unlessAway(() => this.#desk.look(() => this.#running())));
    this.#repeat(RETENTION_MS, () => this.#unlessAway(() => this.#retention.prune(this.#running())));
    await this.#doors.log.open(this);
    void this.#notePartitions().catch((error: unknown) => this.#stopForBug(error));
  }

  async stop(budgetMs: number): Promise<{ readonly clean: boolean }> {
    this.#stopping = true;
    for (const { running } of this.#assignments.values()) running?.beginNothing();
    await this.#doors.log.close(budgetMs);
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    await this.#heartbeat();
    await this.#doors.ledger.close();
    return { clean: this.#drainedInTime };
  }

  health(): WorkerHealth {
    const log = this.#doors.log.health();
    const assignments = [...this.#assignments.values()];
    const problems = [
      ...(this.#bug === null ? [] : [new SignalboxError('SB-5006', String(this.#bug))]),
      ...(this.#ledgerProblem === null ? [] : [this.#ledgerProblem]),
      ...(log.problem === null ? [] : [log.problem]),
      ...assignments.flatMap(({ problem }) => (problem === null ? [] : [problem])),
    ];
    const ready =
      problems.length === 0 &&
      log.joined &&
      this.#ledgerAnswered &&
      !this.#stopping &&
      assignments.every(({ running }) => running !== null);
    return { ready, problems };
  }

  snapshot(): Heartbeat {
    const running = this.#running();
    const deepest = running
      .flatMap(({ lanes }) => [...lanes.values()].filter((lane) => lane.waiting > 0))
      .sort((a, b) => b.waiting - a.waiting)
      .slice(0, DEEPEST_LANES);
    return {
      version: this.#doors.version,
      startedAtMs: this.#startedAtMs,
      draining: this.#stopping,
      partitions: running.map(({ state }) => state.partition).sort((a, b) => a - b),
      waiting: running.reduce((sum, { lanes }) => sum + lanes.waiting, 0),
      parked: running.reduce((sum, { lanes }) => sum + lanes.parked, 0),
      lanes: running.reduce((sum, { lanes }) => sum + lanes.size, 0),
      rssBytes: this.#doors.world.rssBytes(),
      lag: this.#lag,
      deepest: Object.fromEntries(deepest.map((lane) => [lane.key, lane.waiting])),
    };
  }

  // ------------------------------------------------------------------------------------------ what the log says

  assigned(partition: number, groupOffset: number | null): void {
    const assignment: Assignment = {
      partition,
      groupOffset,
      commits: 0,
      current: true,
      running: null,
      problem: null,
    };
    this.#assignments.set(partition, assignment);
    void this.#takeOver(assignment).catch((error: unknown) => this.#stopForBug(error));
  }

  records(batch: RecordBatch): void {
    this.#assignments.get(batch.partition)?.running?.accept(batch);
  }

  async revoked(partition: number, budgetMs: number): Promise<void> {
    const assignment = this.#assignments.get(partition);
    if (assignment === undefined) return;
    const startedMs = this.#doors.world.monotonic();
    const { running } = assignment;
    this.#doors.passing?.('revoked');
    const finished = (await running?.drain(this.#stopping ? 'none' : 'below', budgetMs)) ?? true;
    this.#doors.passing?.('drained');
    this.#drainedInTime &&= finished;
    this.#end(assignment);
    if (!finished) this.#problem(new SignalboxError('SB-5008', `partition ${partition}`), partition);
    this.#handOver(assignment, 'drained', running, startedMs);
  }

  lost(partition: number): void {
    const assignment = this.#assignments.get(partition);
    if (assignment === undefined) return;
    const { running } = assignment;
    running?.over();
    this.#end(assignment);
    this.#handOver(assignment, 'lost', running, this.#doors.world.monotonic());
  }

  resumed(): void {
    for (const partition of this.#running()) partition.pumpAll();
  }

  problem(error: SignalboxError, partition: number | null): void {
    this.#problem(error, partition);
  }

  // ------------------------------------------------------------------------------------------ take-over

  async #takeOver(assignment: Assignment): Promise<void> {
    const { partition } = assignment;
    const { ledger, log, world, passing } = this.#doors;
    const startedMs = world.monotonic();
    passing?.('taking-over');
    const taken = await this.#untilTaken(assignment, async () => {
      await this.#desk.knowLimits();
      return ledger.takeOver(partition);
    });
    if (taken === null || !assignment.current) return;
    if (taken.outcome === 'refused') {
      assignment.problem = new SignalboxError(taken.code, taken.detail);
      this.#problem(assignment.problem, partition);
      this.#handOver(assignment, 'refused', null, startedMs);
      return;
    }
    passing?.('taken-over');
    assignment.problem = null;
    const owned = await withHistory(assignment, taken, {
      ...this.#doors,
      current: () => assignment.current,
      problem: (error) => this.#problem(error, partition),
    });
    if (!assignment.current) return; // it ended meanwhile: a partition made now would be nobody's
    if (owned === null) return this.#takeOver(assignment);
    const running = new Partition({
      doors: this.#doors,
      committer: this.#committerOf(partition),
      partition,
      owned,
      limits: this.#limits,
      ownedCount: () => this.#assignments.size,
      onDisturbed: (disturbed) => this.#fenced(disturbed.state),
      onBug: (error) => this.#stopForBug(error),
    });
    assignment.running = running;
    if (this.#stopping) running.beginNothing();
    running.adopt(owned);
    this.#handOver(assignment, 'taken-over', running, startedMs, owned.holders.length);
    log.start(partition, owned.watermark);
  }

  /** Asks until the ledger answers, or the assignment has ended (null). */
  async #untilTaken<T>(assignment: Assignment, ask: () => Promise<T>): Promise<T | null> {
    const { world, settings } = this.#doors;
    for (let attempt = 0; assignment.current; attempt += 1) {
      try {
        const answer = await ask();
        this.#ledgerHealth(null);
        return answer;
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        this.#ledgerHealth(new SignalboxError('SB-2001', error.message, { cause: error }));
        const { retryFirstMs: firstMs, retryMaxMs: maxMs } = settings;
        await this.#wait(backOff({ attempt, firstMs, maxMs, random: world.random }));
      }
    }
    return null;
  }

  #fenced(state: PartitionState): void {
    const assignment = this.#assignments.get(state.partition);
    if (assignment === undefined || assignment.running?.state !== state) return;
    const { running } = assignment;
    const { world } = this.#doors;
    running.over();
    assignment.running = null;
    assignment.commits = state.commits;
    this.#handOver(assignment, 'fenced', running, world.monotonic());
    const ms = RETAKE_FIRST_MS + world.random() * (RETAKE_MAX_MS - RETAKE_FIRST_MS);
    void this.#wait(ms)
      .then(() => (assignment.current ? this.#takeOver(assignment) : undefined))
      .catch((error: unknown) => this.#stopForBug(error));
  }

  #end(assignment: Assignment): void {
    assignment.current = false;
    assignment.running = null;
    if (this.#assignments.get(assignment.partition) === assignment)
      this.#assignments.delete(assignment.partition);
  }

  // ------------------------------------------------------------------------------------------ clockwork

  #tick(): void {
    for (const committer of this.#committers) committer.writeHeads();
    for (const running of this.#running()) {
      running.look();
      const { partition, landedWatermark } = running.state;
      if (landedWatermark === null) continue;
      this.#doors.log.commit(partition, landedWatermark);
      this.#doors.passing?.('offset-noted');
    }
  }

  /** Order across a change of the partition count is not promised (design 3): say so, once. */
  async #notePartitions(): Promise<void> {
    const { ledger, log } = this.#doors;
    const { name, partitions } = log.topic;
    for (let noted = false; !noted && !this.#stopping; ) {
      noted = await this.#unlessAway(async () => {
        const before = await ledger.notePartitions(partitions);
        if (before === null || before === partitions) return;
        this.#problem(new SignalboxError('SB-3011', `${name}: ${before} before, ${partitions} now`), null);
      });
      if (!noted) await this.#wait(HEARTBEAT_MS);
    }
  }

  /** False when the ledger is away: the caller comes again. */
  async #unlessAway(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.#ledgerHealth(new SignalboxError('SB-2001', error.message, { cause: error }));
      return false;
    }
  }

  async #heartbeat(): Promise<void> {
    const { log, ledger, world } = this.#doors;
    const spans = this.#series.spans(world.now());
    const heard = await this.#unlessAway(() => ledger.heartbeat(this.snapshot(), spans));
    if (heard) {
      this.#ledgerHealth(null);
      this.#series.written(spans);
    }
    const ends = await log.endOffsets().catch(() => null);
    if (ends === null) return; // the log is away: its own health says so, the last known lag stays
    const running = this.#running();
    this.#lag = Object.fromEntries(
      running.map(({ state }) => {
        const end = ends.get(state.partition) ?? 0;
        return [state.partition, Math.max(0, end - (state.watermark.ready ?? 0))];
      }),
    );
  }

  #repeat(ms: number, run: () => Promise<unknown>): void {
    const slot = this.#timers.length;
    const again = () => {
      this.#timers[slot] = this.#doors.world.after(ms, () => {
        run().then(
          () => (this.#timers.length > 0 ? again() : undefined),
          (error: unknown) => this.#stopForBug(error),
        );
      });
    };
    again();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resume) => this.#doors.world.after(ms, resume));
  }

  #running(): Partition[] {
    return [...this.#assignments.values()].flatMap(({ running }) => (running === null ? [] : [running]));
  }

  #committerOf(partition: number): Committer {
    const committer = this.#committers[partition % this.#committers.length];
    if (committer === undefined) throw new Error('a worker has at least one ledger connection');
    return committer;
  }

  // ------------------------------------------------------------------------------------------ what people hear

  #ledgerHealth(problem: SignalboxError | null): void {
    if (problem === null) this.#ledgerAnswered = true;
    const { code } = problem ?? { code: null as ErrorCode | null };
    if (problem !== null && this.#ledgerProblem?.code !== code) this.#problem(problem, null);
    this.#ledgerProblem = problem;
  }

  #problem(error: SignalboxError, partition: number | null): void {
    this.#doors.observer.problem(error, partition === null ? {} : { partition });
  }

  #handOver(
    assignment: Assignment,
    what: 'taken-over' | 'drained' | 'lost' | 'fenced' | 'refused',
    running: Partition | null,
    startedMs: number,
    holders = 0,
  ): void {
    const { observer, world } = this.#doors;
    const epoch = running?.state.epoch ?? null;
    observer.handOver({
      partition: assignment.partition,
      what,
      epoch,
      holders,
      ms: world.monotonic() - startedMs,
    });
  }

  /** An exception nobody expects: forget everything before anything more is committed, and tell. */
  #stopForBug(error: unknown): void {
    if (this.#bug !== null) return;
    this.#bug = error;
    for (const partition of this.#running()) partition.over();
    this.#doors.observer.problem(
      new SignalboxError('SB-5006', String(error), { cause: error, final: true }),
      {},
    );
  }
}
