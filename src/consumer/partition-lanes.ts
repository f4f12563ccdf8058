/**
 * One partition in the hands of a consumer: its records between fetch and handler. At least once: what is committed has
 * completed, and what completed beyond the committed offset rides beside it, so that only unfinished records are repeated.
 *
 * States: working → draining (starts nothing) → over (forgets everything).
 * CP1 Records of a line start in the order of the partition, at most as many at once as its concurrency says.
 * CP2 A record that fails keeps its place: its line waits through the back-off, and takes no room under the limit meanwhile.
 * CP3 A record is closed in the watermark when it has completed, or is on the dead-letter topic.
 * CP4 Once over, nothing starts and nothing is committed.
 */
import { backOff } from '../core/back-off.ts';
import { CompletedMap, completedText } from '../core/completed-map.ts';
import { type Lane, Lanes } from '../core/lanes.ts';
import { type Run as OffsetRun, Watermark } from '../core/watermark.ts';
import type { RecordBatch, Timer } from '../engine/ports.ts';
import type { HandlerContext } from './options.ts';
import { Run, type RunEnds } from './run.ts';
import type { ConsumerHost, Work } from './work.ts';

const NONE: readonly Work[] = [];

export class PartitionLanes {
  readonly partition: number;
  readonly #host: ConsumerHost;
  readonly #lanes: Lanes<Work>;
  readonly #watermark: Watermark;
  readonly #completed: CompletedMap;
  readonly #abort = new AbortController();
  readonly #naps = new Set<Timer>();
  /** Back from their nap, until the limit has room for them. */
  readonly #due = new Map<Lane<Work>, Run[]>();
  /** Lines whose record failed as often as it may: what tries it again. */
  readonly #held = new Map<string, () => void>();
  readonly #firstAttempt: HandlerContext = { signal: this.#abort.signal, attempt: 1 };
  /** To be used again: a run is made for each that runs at the same time, not for each record. */
  readonly #spareRuns: Run[] = [];
  readonly #ends: RunEnds = {
    completed: (run) => this.#completedLater(run),
    failed: (run, error) => {
      this.#failed(run, error);
      this.#host.giveTurns();
    },
  };
  /** Those that had to wait, since the last `settle` and the one before. */
  #waited: Work[] = [];
  #waitedBefore: Work[] = [];
  #running = 0;
  #working = true;
  #alive = true;
  #whenQuiet: (() => void) | null = null;

  constructor(partition: number, host: ConsumerHost, groupOffset: number | null, metadata: string) {
    this.partition = partition;
    this.#host = host;
    this.#watermark = new Watermark(groupOffset);
    this.#completed = new CompletedMap(groupOffset ?? 0, metadata);
    this.#lanes = new Lanes({ concurrencyOf: (key) => host.slotsOf(key) });
  }

  get completedBeyond(): number {
    return this.#completed.size;
  }

  get waiting(): number {
    return this.#lanes.waiting;
  }

  get running(): number {
    return this.#running;
  }

  get keys(): number {
    return this.#lanes.size;
  }

  /** Records fetched from the lowest unfinished one on. */
  get span(): number {
    return this.#watermark.span;
  }

  get position(): number | null {
    return this.#watermark.ready;
  }

  accept(batch: RecordBatch): void {
    for (let index = 0; index < batch.count; index += 1) {
      const offset = batch.offsets[index] ?? 0;
      if (this.#completed.has(offset)) this.#watermark.pass(offset);
      else this.#arrived(this.#host.workOf(batch, index));
    }
    this.#watermark.advance(batch.nextOffset);
  }

  /** Starts what may start, of one line or of all. */
  pump(key?: string): void {
    const lanes = key === undefined ? [...this.#lanes.values()] : [this.#lanes.get(key)];
    for (const lane of lanes) if (lane !== undefined) this.#pumpLane(lane);
  }

  /** The limit has room again: one of the lane, and another in its next turn. */
  startInTurn(lane: Lane<Work>): void {
    if (!this.#alive) return;
    const due = this.#due.size === 0 ? null : this.#takeDue(lane);
    if (due !== null) this.#tryAgain(due);
    else if (this.#mayTake(lane)) this.#take(lane);
    else return;
    const more = this.#due.has(lane) || (lane.waiting > 0 && this.#lanes.mayTake(lane));
    if (more) this.#host.wantTurn(this, lane);
  }

  /** Now and then: what has waited since the last time but one lets go of the bytes it was fetched with. */
  settle(): void {
    for (const work of this.#waitedBefore) if (!work.begun) work.settle();
    this.#waitedBefore = this.#waited;
    this.#waited = [];
  }

  /** What to commit now; null before anything was fetched. */
  committable(): { readonly offset: number; readonly metadata: string } | null {
    const offset = this.#watermark.ready;
    if (offset === null || !this.#alive) return null;
    return { offset, metadata: completedText(offset, this.#completedRuns()) };
  }

  /** Of what was fetched, and of what was completed by others before us and is not fetched again yet. */
  *#completedRuns(): IterableIterator<OffsetRun> {
    yield* this.#watermark.closedRuns();
    yield* this.#completed.runsFrom(this.#watermark.position ?? 0);
  }

  /** Starts nothing more; true when all that ran has ended in time. What did not is told by its signal. */
  async drain(world: ConsumerHost['world'], budgetMs: number): Promise<boolean> {
    this.#working = false;
    this.#forgetRetries();
    if (this.#running === 0) return true;
    const quiet = new Promise<boolean>((resolve) => {
      this.#whenQuiet = () => resolve(true);
    });
    const late = Promise.withResolvers<boolean>();
    const timer = world.after(budgetMs, () => late.resolve(false));
    const drained = await Promise.race([quiet, late.promise]);
    timer.cancel();
    return drained;
  }

  over(): void {
    this.#working = false;
    this.#alive = false;
    this.#forgetRetries();
    this.#abort.abort(new Error(`partition ${this.partition} is not ours any more`));
  }

  /** Nothing is tried again any more. */
  #forgetRetries(): void {
    for (const nap of this.#naps) nap.cancel();
    this.#naps.clear();
    this.#due.clear();
  }

  /** A key that was held is tried again. */
  release(key: string): void {
    const again = this.#held.get(key);
    this.#held.delete(key);
    again?.();
  }

  // ------------------------------------------------------------------------------------------ work

  /** One that nothing of its line is before, and whose handler answers at once, enters no lane. */
  #arrived(work: Work): void {
    const { line } = work;
    const host = this.#host;
    const alone = host.batchMax === 1 && this.#lanes.get(line) === undefined && host.slotsOf(line) > 0;
    if (alone && this.#mayStart(line) && host.hasRoom()) {
      this.#startAlone(work);
      return;
    }
    work.ticket = this.#watermark.open(work.offset);
    this.#waited.push(work);
    this.#pumpLane(this.#lanes.push(line, work));
  }

  #startAlone(work: Work): void {
    this.#began(work);
    let answer: unknown;
    try {
      answer = this.#host.call(work, NONE, this.#firstAttempt);
    } catch (error) {
      this.#failed(this.#runOf(work), error);
      return;
    }
    if (answer instanceof Promise) {
      const run = this.#runOf(work);
      answer.then(run.onCompleted, run.onFailed);
    } else {
      this.#watermark.pass(work.offset);
      this.#ended();
    }
  }

  /** Of one that was started before it was in its lane. */
  #runOf(work: Work): Run {
    work.ticket = this.#watermark.open(work.offset);
    return this.#run(this.#lanes.occupy(work.line, 1), 1, work);
  }

  #mayStart(line: string): boolean {
    return this.#working && (this.#held.size === 0 || !this.#held.has(line)) && this.#host.mayStart(line);
  }

  #mayTake(lane: Lane<Work>): boolean {
    return lane.waiting > 0 && this.#lanes.mayTake(lane) && this.#mayStart(lane.key);
  }

  #pumpLane(lane: Lane<Work>): void {
    while (this.#mayTake(lane)) {
      if (!this.#host.hasRoom()) {
        this.#host.wantTurn(this, lane);
        return;
      }
      this.#take(lane);
    }
  }

  #take(lane: Lane<Work>): void {
    const taken = this.#lanes.take(lane);
    if (taken === null) return;
    this.#lanes.began(lane, taken.slot);
    const run = this.#run(lane, taken.slot, taken.item);
    this.#began(taken.item);
    this.#work(run);
  }

  #run(lane: Lane<Work>, slot: number, work: Work): Run {
    const run = this.#spareRuns.pop() ?? new Run(this.#ends);
    run.occupy(lane, slot);
    run.take(work, this.#followers(lane));
    return run;
  }

  /** For a batch: those of the same line that wait behind it. */
  #followers(lane: Lane<Work>): readonly Work[] {
    const { batchMax } = this.#host;
    if (batchMax === 1) return NONE;
    const more: Work[] = [];
    for (let head = lane.lineHead; more.length < batchMax - 1 && head !== null; head = lane.lineHead) {
      this.#lanes.withdraw(lane, head);
      head.begun = true;
      more.push(head);
    }
    return more;
  }

  /** What is in the slot, and what follows it there, until there is something to wait for. */
  #work(run: Run): void {
    do {
      let answer: unknown;
      try {
        answer = this.#host.call(run.work, run.more, this.#contextOf(run.attempt));
      } catch (error) {
        this.#failed(run, error);
        return;
      }
      if (answer instanceof Promise) {
        answer.then(run.onCompleted, run.onFailed);
        return;
      }
      this.#close(run);
    } while (this.#next(run));
  }

  #contextOf(attempt: number): HandlerContext {
    return attempt === 1 ? this.#firstAttempt : { signal: this.#abort.signal, attempt };
  }

  #completedLater(run: Run): void {
    if (!this.#alive) return;
    this.#close(run);
    const { lane } = run;
    const goesOn = this.#next(run);
    if (goesOn) this.#work(run);
    if (lane.waiting > 0 && (this.#host.slotsVary || !goesOn)) this.#pumpLane(lane);
    this.#host.giveTurns();
  }

  /** The next of the lane into the slot of the one that has ended; else the slot is free, and the run is over. */
  #next(run: Run): boolean {
    const { lane, slot } = run;
    const next =
      lane.waiting > 0 && this.#mayStart(lane.key) && this.#host.hasRoom()
        ? this.#lanes.takeInto(lane, slot)
        : null;
    if (next === null) {
      this.#lanes.release(lane, slot);
      run.clear();
      this.#spareRuns.push(run);
      return false;
    }
    this.#lanes.began(lane, slot);
    run.take(next, this.#followers(lane));
    this.#began(next);
    return true;
  }

  #failed(run: Run, error: unknown): void {
    if (!this.#alive) return;
    const { attempt } = run;
    const { firstMs, maxMs, attemptsMax } = this.#host.retry;
    const last = attempt >= attemptsMax || this.#host.isPoison(error);
    const againMs = last
      ? null
      : backOff({ attempt: attempt - 1, firstMs, maxMs, random: this.#host.world.random });
    this.#host.tellFailed(run.works, attempt, error, againMs);
    if (againMs === null) {
      void this.#exhausted(run, error);
      return;
    }
    this.#ended();
    if (this.#working) {
      for (const work of run.works) work.settle();
      this.#nap(run, againMs);
    }
  }

  #nap(run: Run, againMs: number): void {
    const nap = this.#host.world.after(againMs, () => {
      this.#naps.delete(nap);
      if (!this.#mayStart(run.lane.key)) {
        this.#nap(run, againMs);
      } else if (this.#host.hasRoom()) {
        this.#tryAgain(run);
        this.#host.giveTurns();
      } else {
        this.#due.set(run.lane, [...(this.#due.get(run.lane) ?? []), run]);
        this.#host.wantTurn(this, run.lane);
      }
    });
    this.#naps.add(nap);
  }

  /** The first of the lane that is due; one that may not start now takes another nap. */
  #takeDue(lane: Lane<Work>): Run | null {
    const [run = null, ...rest] = this.#due.get(lane) ?? [];
    if (rest.length === 0) this.#due.delete(lane);
    else this.#due.set(lane, rest);
    if (run === null || this.#mayStart(lane.key)) return run;
    this.#nap(run, this.#host.retry.firstMs);
    return null;
  }

  #tryAgain(run: Run): void {
    this.#host.started();
    this.#running += 1;
    run.attempt += 1;
    this.#work(run);
  }

  /** To the dead-letter topic, and on; without one the line is held, and the others go on. */
  async #exhausted(run: Run, error: unknown): Promise<void> {
    if (await this.#host.deadLetter(run.works, error, () => this.#alive)) {
      this.#completedLater(run);
    } else if (this.#alive) {
      for (const work of run.works) work.settle();
      this.#held.set(run.lane.key, () => {
        run.attempt = 0;
        this.#tryAgain(run);
        this.#host.giveTurns();
      });
      this.#ended(); // its slot stays taken: what is behind it waits
      this.#host.giveTurns();
    }
  }

  #began(work: Work): void {
    work.begun = true;
    this.#host.started();
    this.#running += 1;
  }

  #close(run: Run): void {
    this.#watermark.close(run.work.ticket);
    for (const { ticket } of run.more) this.#watermark.close(ticket);
    this.#ended();
  }

  #ended(): void {
    this.#running -= 1;
    this.#host.ended(this.partition);
    if (this.#running === 0) this.#whenQuiet?.();
  }
}
