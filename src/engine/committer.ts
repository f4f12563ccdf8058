/**
 * Groups what the lanes of a worker want to commit into ledger commits: no timer, a commit takes everything
 * that waits when the previous one has returned (design 4.6). One committer a ledger connection; a partition
 * always uses the same one.
 *
 * C1 At most one commit is under way.
 * C2 The entries of one submission travel in one commit.
 * C3 A submission is answered when its fate is known: a lost answer is settled by raising the epochs first.
 * C4 The entries of a partition that is no longer alive are answered `fenced` without being sent.
 */
import { backOff } from '../core/back-off.ts';
import { assert, SignalboxError } from '../core/errors/catalogue.ts';
import type { Observer, WorkerSettings } from './options.ts';
import { headIsDirty, headLanded, headOf, type PartitionState } from './partition-state.ts';
import type { Point } from './points.ts';
import type { World } from './ports.ts';
import {
  type CommitAnswer,
  type Entry,
  type EntryAnswer,
  type Ledger,
  LedgerError,
  type PartitionHead,
} from './ports-ledger.ts';
import { settle } from './settle.ts';

/** `rejected`: the ledger cannot store this entry, alone in its commit (SQLSTATE class 22 or 23). */
export type Outcome = EntryAnswer | { readonly status: 'rejected' };

/** What became of an entry, and when by the database clock (Unix time in ms; 0 when nothing was committed). */
export interface Fate {
  readonly outcome: Outcome;
  readonly atMs: number;
}

interface Submission {
  readonly state: PartitionState;
  /** Grows shorter when a lost commit turns out to have landed in part. */
  entries: Entry[];
  readonly fates: Fate[];
  /** Position in `fates` of each entry. */
  positions: number[];
  /** Its head carries watermark and published number, whatever was written a moment ago. */
  readonly wholeHead: boolean;
  readonly answer: (fates: Fate[]) => void;
}

const FENCED: Fate = { outcome: { status: 'fenced' }, atMs: 0 };

export interface CommitterOptions {
  readonly ledger: Ledger;
  readonly world: World;
  readonly settings: WorkerSettings;
  readonly observer: Observer;
  readonly passing?: ((point: Point) => void) | undefined;
  /** The ledger said that the partition belongs to a newer epoch. */
  readonly onFenced: (state: PartitionState) => void;
  /** An exception that nothing expects: the worker stops. */
  readonly onBug: (error: unknown) => void;
  /** The ledger failed (a problem to show) or answered again (null). */
  readonly onHealth: (problem: SignalboxError | null) => void;
}

export class Committer {
  readonly #options: CommitterOptions;
  #queue: Submission[] = [];
  #states = new Set<PartitionState>();
  #running = false;
  #headsWanted = false;
  /** Monotonic time since when entries wait for the answer to one commit; null: none is under way. */
  #sinceMs: number | null = null;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** The partition's head is written from now on, until `leave`. */
  join(state: PartitionState): void {
    this.#states.add(state);
  }

  leave(state: PartitionState): void {
    this.#states.delete(state);
  }

  /** For how long the commit under way has been; 0 when there is none. */
  busyMs(nowMs: number): number {
    return this.#sinceMs === null ? 0 : nowMs - this.#sinceMs;
  }

  /** Commits the entries of one partition together; resolves with one fate an entry. Never rejects. */
  submit(state: PartitionState, entries: Entry[]): Promise<Fate[]> {
    return this.#enqueue(state, entries, false);
  }

  /** Writes the head of one partition as it is now, whatever its interval. Never rejects. */
  async writeHead(state: PartitionState): Promise<void> {
    await this.#enqueue(state, [], true);
  }

  #enqueue(state: PartitionState, entries: Entry[], wholeHead: boolean): Promise<Fate[]> {
    return new Promise((answer) => {
      const positions = entries.map((_, index) => index);
      const fates = new Array<Fate>(entries.length);
      this.#queue.push({ state, entries, fates, positions, wholeHead, answer });
      this.#wake();
    });
  }

  /** Writes the heads that have something new, also when no entry waits. */
  writeHeads(): void {
    for (const state of this.#states) {
      if (!state.alive || !headIsDirty(state)) continue;
      this.#headsWanted = true;
      this.#wake();
      return;
    }
  }

  #wake(): void {
    if (this.#running) return;
    this.#running = true;
    // The end of this turn: a whole fetch answer goes into the first commit.
    this.#options.world.soon(() => void this.#run().catch(this.#options.onBug));
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#headsWanted) {
      this.#sinceMs = this.#options.world.monotonic();
      await this.#commit(this.#take());
      this.#sinceMs = null;
      // One turn of the loop: what the answers set going, and the calls that returned meanwhile, join the next commit.
      await new Promise<void>((resume) => this.#options.world.soon(resume));
    }
    this.#running = false;
  }

  #take(): Submission[] {
    const { commitEntriesMax, commitBytesMax } = this.#options.settings;
    let entries = 0;
    let bytes = 0;
    let taken = 0;
    for (const submission of this.#queue) {
      const size = sizeOf(submission.entries);
      if (
        taken > 0 &&
        (entries + submission.entries.length > commitEntriesMax || bytes + size > commitBytesMax)
      )
        break;
      entries += submission.entries.length;
      bytes += size;
      taken += 1;
    }
    return this.#queue.splice(0, taken);
  }

  /** Commits until the fate of every submission is known. */
  async #commit(taken: Submission[]): Promise<void> {
    let batch = taken;
    for (let attempt = 0; ; attempt += 1) {
      batch = this.#answerDead(batch);
      const heads = this.#headsFor(batch);
      if (heads.length === 0) return;
      const { world, ledger, observer, passing } = this.#options;
      const startedMs = world.monotonic();
      try {
        const entries = batch.flatMap((submission) => submission.entries);
        passing?.('committing');
        const answer = await ledger.commit({ heads, entries });
        passing?.('committed');
        this.#options.onHealth(null);
        observer.committed({ entries: entries.length, ms: world.monotonic() - startedMs });
        this.#landed(batch, heads, answer);
        return;
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        if (error.failure === 'rejected') return this.#commitHalves(batch, error);
        this.#options.onHealth(new SignalboxError('SB-2001', error.message, { cause: error }));
        if (error.failure === 'lost') batch = await this.#settle(batch, heads);
        else await this.#pause(attempt);
      }
    }
  }

  #answerDead(batch: Submission[]): Submission[] {
    return batch.filter((submission) => {
      if (submission.state.alive) return true;
      for (const position of submission.positions) submission.fates[position] = FENCED;
      submission.answer(submission.fates);
      return false;
    });
  }

  #headsFor(batch: readonly Submission[]): PartitionHead[] {
    const nowMs = this.#options.world.monotonic();
    const all = this.#headsWanted;
    this.#headsWanted = false;
    const states = new Set(batch.map((submission) => submission.state));
    for (const state of this.#states) if (all && state.alive && headIsDirty(state)) states.add(state);
    const whole = new Set(batch.flatMap(({ state, wholeHead }) => (wholeHead ? [state] : [])));
    const due = (state: PartitionState) =>
      all || whole.has(state) || nowMs - state.headAtMs >= this.#options.settings.headIntervalMs;
    return [...states].map((state) => headOf(state, due(state)));
  }

  #landed(batch: readonly Submission[], heads: readonly PartitionHead[], answer: CommitAnswer): void {
    const fenced = new Set(answer.fenced);
    const nowMs = this.#options.world.monotonic();
    for (const head of heads) {
      const state = this.#stateOf(head);
      if (state === undefined) continue;
      if (fenced.has(head.partition)) {
        this.#options.onFenced(state);
      } else {
        state.commits += 1;
        headLanded(state, head, nowMs);
      }
    }
    let next = 0;
    for (const submission of batch) {
      for (const position of submission.positions) {
        const outcome = answer.answers[next];
        assert(outcome !== undefined, 'the ledger answers every entry');
        next += 1;
        submission.fates[position] = { outcome, atMs: answer.atMs };
        countNumber(submission.state, outcome);
      }
      submission.answer(submission.fates);
    }
  }

  /** Undefined when it is over: its partition may be here again, in another epoch. */
  #stateOf({ partition, epoch }: PartitionHead): PartitionState | undefined {
    for (const state of this.#states)
      if (state.partition === partition && state.epoch === epoch) return state;
    return undefined;
  }

  /** A value in the batch cannot be stored: halves, until the culprit stands alone. No entry fails another. */
  async #commitHalves(batch: Submission[], error: LedgerError): Promise<void> {
    if (batch.length > 1) {
      const middle = batch.length >> 1;
      await this.#commit(batch.slice(0, middle));
      await this.#commit(batch.slice(middle));
      return;
    }
    const [last] = batch;
    if (last === undefined) throw error; // only heads: nothing a person could have sent
    if (last.entries.length > 1) {
      for (const [index, entry] of last.entries.entries()) {
        const position = last.positions[index] ?? 0;
        const { state, fates, wholeHead } = last;
        const alone = { state, entries: [entry], fates, positions: [position], wholeHead };
        await this.#commit([{ ...alone, answer: () => undefined }]);
      }
    } else {
      const partition = last.state.partition;
      this.#options.observer.problem(new SignalboxError('SB-2008', error.message, { cause: error }), {
        partition,
      });
      for (const position of last.positions)
        last.fates[position] = { outcome: { status: 'rejected' }, atMs: 0 };
    }
    last.answer(last.fates);
  }

  /** The answer was lost. Returns what did not land and must be sent again. */
  async #settle(batch: Submission[], heads: readonly PartitionHead[]): Promise<Submission[]> {
    const { ledger, passing } = this.#options;
    const before = new Map(heads.map((head) => [head.partition, head]));
    passing?.('settling');
    const raised = await this.#untilAnswered(() =>
      ledger.raise(heads.filter((head) => this.#stateOf(head)?.alive)),
    );
    passing?.('raised');
    const ids = batch.flatMap((submission) => submission.entries.flatMap((entry) => idOf(entry)));
    const read = () => ledger.read([...new Set(ids)], [...before.keys()]);
    const rows = new Map((await this.#untilAnswered(read)).map((row) => [row.id, row]));
    // Whoever took a partition over since then may have written what was read: only what is still ours counts.
    const still = await this.#untilAnswered(() => ledger.raise(raised));
    const byPartition = new Map(still.map((partition) => [partition.partition, partition]));
    for (const head of heads) {
      const state = this.#stateOf(head);
      if (state === undefined || !state.alive) continue;
      const now = byPartition.get(head.partition);
      // Fewer commits than have been answered: the ledger has lost history, and nothing in memory fits it.
      if (now === undefined || now.commits < state.commits) {
        this.#options.onFenced(state);
        continue;
      }
      state.epoch = now.epoch;
      state.lastNumber = now.lastNumber;
      state.commits = now.commits;
      // Either both numbers landed or neither; duplicates are only carried where the watermark grew.
      const landed = now.published >= (head.published ?? 0) && (now.watermark ?? 0) >= (head.watermark ?? 0);
      if (landed) headLanded(state, head, this.#options.world.monotonic());
    }
    return batch.filter((submission) => {
      if (!submission.state.alive) return true; // answered `fenced` before anything is sent
      const numberBefore = before.get(submission.state.partition)?.lastNumber ?? 0;
      const again: number[] = [];
      submission.entries = submission.entries.filter((entry, index) => {
        const position = submission.positions[index] ?? 0;
        const row = rows.get(idOf(entry)[0] ?? '');
        const settled = settle(entry, row, numberBefore);
        if (settled === 'again') again.push(position);
        else
          submission.fates[position] = { outcome: settled, atMs: row?.finishedAtMs ?? row?.beganAtMs ?? 0 };
        return settled === 'again';
      });
      submission.positions = again;
      if (again.length > 0) return true;
      submission.answer(submission.fates);
      return false;
    });
  }

  /** Raising and reading may simply be repeated, for as long as the ledger is away. */
  async #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await ask();
        this.#options.onHealth(null);
        return answer;
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        this.#options.onHealth(new SignalboxError('SB-2001', error.message, { cause: error }));
        await this.#pause(attempt);
      }
    }
  }

  #pause(attempt: number): Promise<void> {
    const { world, settings } = this.#options;
    const ms = backOff({
      attempt,
      firstMs: settings.retryFirstMs,
      maxMs: settings.retryMaxMs,
      random: world.random,
    });
    return new Promise((resume) => world.after(ms, resume));
  }
}

function idOf(entry: Entry): string[] {
  return entry.kind === 'dead-letter' ? [] : [entry.id];
}

function sizeOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) {
    if (entry.kind === 'begin' || entry.kind === 'park') bytes += entry.payload.length;
    else if (entry.kind === 'change') bytes += entry.evidence?.length ?? 0;
    else if (entry.kind === 'dead-letter') bytes += entry.value?.length ?? 0;
  }
  return bytes;
}

function countNumber(state: PartitionState, outcome: Outcome): void {
  const number = 'number' in outcome ? outcome.number : null;
  if (number !== null && number > state.lastNumber) state.lastNumber = number;
}
