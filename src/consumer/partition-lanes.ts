/**
 * One partition in the hands of a consumer: its records between fetch and handler. At least once: what is committed has
 * completed, and what completed beyond the committed offset rides beside it, so that only unfinished records are repeated.
 *
 * States: working → draining (starts nothing) → over (forgets everything).
 * CP1 Records of a line start in the order of the partition, at most as many at once as its concurrency says.
 * CP2 A record that fails keeps its place: its line waits through the back-off.
 * CP3 A record is closed in the watermark when it has completed, or is on the dead-letter topic.
 * CP4 Once over, nothing starts and nothing is committed.
 */
import { backOff } from '../core/back-off.ts';
import { CompletedMap, completedText } from '../core/completed-map.ts';
import { type Lane, Lanes } from '../core/lanes.ts';
import { Watermark } from '../core/watermark.ts';
import type { RecordBatch, Timer } from '../engine/ports.ts';
import type { ConsumerHost, Work } from './work.ts';

export class PartitionLanes {
  readonly partition: number;
  readonly #host: ConsumerHost;
  readonly #lanes: Lanes<Work>;
  readonly #watermark: Watermark;
  readonly #completed: CompletedMap;
  readonly #abort = new AbortController();
  readonly #naps = new Set<Timer>();
  /** Lines whose record failed as often as it may: what tries it again. */
  readonly #held = new Map<string, () => void>();
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
      const ticket = this.#watermark.open(offset);
      if (this.#completed.has(offset)) this.#watermark.close(ticket);
      else this.#push(this.#host.workOf(batch, index, ticket));
    }
    this.#watermark.advance(batch.nextOffset);
  }

  /** Starts what may start, of one line or of all. */
  pump(key?: string): void {
    const lanes = key === undefined ? [...this.#lanes.values()] : [this.#lanes.get(key)];
    for (const lane of lanes) if (lane !== undefined) this.#pumpLane(lane);
  }

  /** What to commit now; null before anything was fetched. */
  committable(): { readonly offset: number; readonly metadata: string } | null {
    const offset = this.#watermark.ready;
    if (offset === null || !this.#alive) return null;
    return { offset, metadata: completedText(offset, this.#watermark.closedBeyond()) };
  }

  /** Starts nothing more; true when all that ran has ended in time. What did not is told by its signal. */
  async drain(world: ConsumerHost['world'], budgetMs: number): Promise<boolean> {
    this.#working = false;
    for (const nap of this.#naps) {
      nap.cancel();
      this.#ended();
    }
    this.#naps.clear();
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
    for (const nap of this.#naps) nap.cancel();
    this.#naps.clear();
    this.#abort.abort(new Error(`partition ${this.partition} is not ours any more`));
  }

  /** A key that was held is tried again. */
  release(key: string): void {
    const again = this.#held.get(key);
    this.#held.delete(key);
    again?.();
  }

  // ------------------------------------------------------------------------------------------ work

  /** One that nothing of its line is before, and whose handler answers at once, enters no lane. */
  #push(work: Work): void {
    const { line } = work;
    const alone = this.#lanes.get(line) === undefined && this.#host.batchMax === 1;
    if (!alone || !this.#mayStart(line)) {
      this.#pumpLane(this.#lanes.push(line, work));
      return;
    }
    this.#host.started();
    this.#running += 1;
    let answer: unknown;
    try {
      answer = this.#host.call([work], { signal: this.#abort.signal, attempt: 1 });
    } catch (error) {
      this.#failed(this.#lanes.occupy(line, 1), 1, [work], 1, error);
      return;
    }
    if (answer instanceof Promise) this.#await(this.#lanes.occupy(line, 1), 1, [work], 1, answer);
    else {
      this.#watermark.close(work.ticket);
      this.#ended();
    }
  }

  #mayStart(line: string): boolean {
    return this.#working && !this.#held.has(line) && this.#host.mayStart(line);
  }

  #pumpLane(lane: Lane<Work>): void {
    while (lane.waiting > 0 && this.#mayStart(lane.key)) {
      const taken = this.#lanes.take(lane);
      if (taken === null) return;
      this.#lanes.began(lane, taken.slot);
      const works = [taken.item, ...this.#followers(lane)];
      this.#host.started();
      this.#running += 1;
      this.#attempt(lane, taken.slot, works, 1);
    }
  }

  /** For a batch: those of the same line that wait behind it. */
  #followers(lane: Lane<Work>): Work[] {
    const more: Work[] = [];
    for (
      let head = lane.lineHead;
      more.length < this.#host.batchMax - 1 && head !== null;
      head = lane.lineHead
    ) {
      this.#lanes.withdraw(lane, head);
      more.push(head);
    }
    return more;
  }

  #attempt(lane: Lane<Work>, slot: number, works: readonly Work[], attempt: number): void {
    let answer: unknown;
    try {
      answer = this.#host.call(works, { signal: this.#abort.signal, attempt });
    } catch (error) {
      this.#failed(lane, slot, works, attempt, error);
      return;
    }
    if (!(answer instanceof Promise)) {
      this.#completedAll(lane, slot, works);
      return;
    }
    this.#await(lane, slot, works, attempt, answer);
  }

  #await(
    lane: Lane<Work>,
    slot: number,
    works: readonly Work[],
    attempt: number,
    answer: Promise<unknown>,
  ): void {
    answer.then(
      () => {
        this.#completedAll(lane, slot, works);
        this.#pumpAfter(lane);
      },
      (error: unknown) => this.#failed(lane, slot, works, attempt, error),
    );
  }

  #failed(lane: Lane<Work>, slot: number, works: readonly Work[], attempt: number, error: unknown): void {
    if (!this.#alive) return;
    const { firstMs, maxMs, attemptsMax } = this.#host.retry;
    const last = attempt >= attemptsMax || this.#host.isPoison(error);
    const againMs = last
      ? null
      : backOff({ attempt: attempt - 1, firstMs, maxMs, random: this.#host.world.random });
    this.#host.tellFailed(works, attempt, error, againMs);
    if (againMs === null) {
      void this.#exhausted(lane, slot, works, error);
      return;
    }
    if (!this.#working) {
      this.#ended();
      return;
    }
    const nap = this.#host.world.after(againMs, () => {
      this.#naps.delete(nap);
      this.#attempt(lane, slot, works, attempt + 1);
      this.#pumpAfter(lane);
    });
    this.#naps.add(nap);
  }

  /** To the dead-letter topic, and on; without one the line is held, and the others go on. */
  async #exhausted(lane: Lane<Work>, slot: number, works: readonly Work[], error: unknown): Promise<void> {
    if (await this.#host.deadLetter(works, error, () => this.#alive)) {
      if (!this.#alive) return;
      this.#completedAll(lane, slot, works);
      this.#pumpAfter(lane);
    } else if (this.#alive) {
      this.#held.set(lane.key, () => {
        this.#host.started();
        this.#running += 1;
        this.#attempt(lane, slot, works, 1);
        this.#pumpAfter(lane);
      });
      this.#ended(); // its slot stays taken: what is behind it waits
    }
  }

  #completedAll(lane: Lane<Work>, slot: number, works: readonly Work[]): void {
    if (!this.#alive) return;
    for (const { ticket } of works) this.#watermark.close(ticket);
    this.#lanes.release(lane, slot);
    this.#ended();
  }

  #pumpAfter(lane: Lane<Work>): void {
    if (lane.waiting > 0) this.#pumpLane(lane);
    this.#host.roomAgain();
  }

  #ended(): void {
    this.#running -= 1;
    this.#host.ended(this.partition);
    if (this.#running === 0) this.#whenQuiet?.();
  }
}
