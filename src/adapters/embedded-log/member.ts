/**
 * One member of a group: joins, heartbeats, takes over what waits for it and hands over what is wanted elsewhere.
 * One loop talks to the database, one statement at a time, so answers are never out of order.
 *
 * States of the member: joining → member → (expired or replaced) lost → joining …; closing → left.
 * States of a hold (one assignment of one partition): owned → draining → drained → released.
 * M1 What we own is what the database says; an answer older than our proof is not acted upon.
 * M2 `mayBegin` counts from the time the last heartbeat that succeeded was sent, on the monotonic clock.
 * M3 Time alone never takes a partition from us: only an answer that our row, or our ownership, is gone.
 * M4 A partition is released only when its drain has ended or its budget is used up, together with its offset.
 * M5 Others are declared dead only by a member that was not silent itself for a session time-out: after a common
 *    outage everybody has that time to come back.
 */
import { randomUUID } from 'node:crypto';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';
import { assign } from './assign.ts';
import { retryAfterMs } from './back-off.ts';
import { Bell } from './bell.ts';
import { type Database, databaseProblem } from './database.ts';
import {
  ASSIGN,
  BEGIN_LEAVE,
  COMMIT,
  EXPIRE,
  type GroupRow,
  HEARTBEAT,
  type HeartbeatRow,
  JOIN,
  LEAVE,
  READ_GROUP,
  RELEASE,
} from './statements.ts';
import type { Trouble } from './trouble.ts';

export interface MemberEvents {
  readonly assigned: (partition: number, groupOffset: number | null) => void;
  /** Stops the fetch of the partition; resolves when it is drained. */
  readonly revoked: (partition: number, budgetMs: number) => Promise<void>;
  readonly lost: (partition: number) => void;
  readonly resumed: () => void;
  readonly problem: (error: SignalboxError) => void;
}

export interface MemberOptions {
  readonly database: Database;
  readonly world: World;
  readonly trouble: Trouble;
  readonly topic: number;
  readonly group: string;
  /** Name of the worker: a new start under the same name takes the place of the old one. */
  readonly worker: string;
  readonly sessionTimeoutMs: number;
  readonly drainBudgetMs: number;
  readonly events: MemberEvents;
}

/** Offsets are written this often: ordinary lag, a second behind. */
const COMMIT_EVERY_MS = 1_000;
/** The share of the session time-out during which a heartbeat proves the membership. */
const PROOF = 2 / 3;
/** Heartbeats a session time-out. */
const HEARTBEATS = 3;
/** A statement that hangs is given up after a quarter of the session: in time to be told, and to try once more. */
const STATEMENT = 1 / 4;
/** … but not before a busy disk had its chance. */
const STATEMENT_MS_MIN = 500;
/** Heartbeat, assignment, heartbeat: more only when others change the group meanwhile; the next pass goes on. */
const ROUNDS_MAX = 10;
/** While closing, how long to try to tell a database that does not answer. */
const LEAVE_MS = 2_000;

interface Hold {
  readonly partition: number;
  state: 'owned' | 'draining' | 'drained';
  /** Group offset as the listener wants it, and as it is known to be written; null: not in this assignment. */
  noted: number | null;
  written: number | null;
}

interface Closing {
  readonly budgetMs: number;
  readonly deadlineMs: number;
  /** When to give up telling the database; counts from the end of the drains. */
  giveUpAtMs: number | null;
  isTold: boolean;
}

export class Member {
  readonly #options: MemberOptions;
  readonly #bell: Bell;
  readonly #holds = new Map<number, Hold>();
  readonly #ended: Promise<void>;
  #id: string | null = null;
  /** Under the worker's name no other member than the old self can be expected at the first join only. */
  #hasJoined = false;
  #hasAssignment = false;
  #provenAtMs = Number.NEGATIVE_INFINITY;
  #wasProven = false;
  #isFenceTold = false;
  #judgesFromMs = Number.NEGATIVE_INFINITY;
  #committedAtMs = Number.NEGATIVE_INFINITY;
  #closing: Closing | null = null;
  #isOver = false;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    this.#ended = this.#run();
  }

  /** Member of the group, with an assignment (perhaps empty). */
  get joined(): boolean {
    return this.#hasAssignment;
  }

  owned(): number[] {
    return [...this.#holds.keys()];
  }

  /** Assigned, and not on its way to another worker. */
  isOwned(partition: number): boolean {
    return this.#holds.get(partition)?.state === 'owned';
  }

  mayBegin(): boolean {
    const { world, sessionTimeoutMs } = this.#options;
    return world.monotonic() - this.#provenAtMs < sessionTimeoutMs * PROOF;
  }

  /** Only grows while we own the partition; the first one may be below what the group had. */
  note(partition: number, offset: number): void {
    const hold = this.#holds.get(partition);
    if (hold === undefined) return;
    // The loop may be waiting for the next heartbeat: from here it waits for the next commit.
    if (hold.noted === hold.written) this.#bell.ring();
    hold.noted = Math.max(hold.noted ?? offset, offset);
  }

  groupChanged(): void {
    this.#bell.ring();
  }

  /** Drains everything within the budget and leaves. Resolves when that is done, or given up. */
  async close(budgetMs: number): Promise<void> {
    if (this.#closing === null) {
      const deadlineMs = this.#options.world.monotonic() + budgetMs;
      this.#closing = { budgetMs, deadlineMs, giveUpAtMs: null, isTold: false };
      this.#bell.ring();
    }
    await this.#ended;
  }

  // ------------------------------------------------------------------------------------- the loop

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isOver) {
      // Also the end of the turn that made us: nobody is called from inside a call.
      await Promise.resolve();
      if (this.#closing !== null) this.#drainAll(this.#closing);
      try {
        await this.#pass();
        failures = 0;
        this.#options.trouble.healed('group');
        if (!this.#isOver) await this.#bell.wait(this.#waitMs());
      } catch (error) {
        failures += 1;
        this.#failed(databaseProblem(error));
        if (!this.#isOver) await this.#bell.wait(this.#retryMs(failures));
      }
    }
  }

  async #pass(): Promise<void> {
    if (this.#id === null && this.#closing === null) await this.#join();
    await this.#release();
    await this.#commit();
    await this.#beginLeave();
    for (let round = 0; round < ROUNDS_MAX && this.#id !== null; round += 1) {
      if (!(await this.#heartbeat(this.#id))) break;
    }
    await this.#leave();
  }

  #waitMs(): number {
    const { world, sessionTimeoutMs } = this.#options;
    const heartbeatMs = sessionTimeoutMs / HEARTBEATS;
    const isDirty = [...this.#holds.values()].some(({ noted, written }) => noted !== written);
    const nowMs = world.monotonic();
    const commitMs = isDirty ? this.#committedAtMs + COMMIT_EVERY_MS - nowMs : heartbeatMs;
    const nextMs = Math.min(heartbeatMs, commitMs);
    const leftMs = (this.#closing?.deadlineMs ?? Number.POSITIVE_INFINITY) - nowMs;
    return Math.max(1, Math.min(nextMs, this.#holds.size === 0 ? nextMs : leftMs));
  }

  /** Sessions start again with the server: who waited longer than one to come back would be taken for dead. */
  #retryMs(failures: number): number {
    const { world, sessionTimeoutMs } = this.#options;
    return retryAfterMs(world, failures, sessionTimeoutMs * STATEMENT);
  }

  #failed(error: SignalboxError): void {
    const { trouble, events, world } = this.#options;
    trouble.failed('group', error);
    if (this.#wasProven && !this.mayBegin() && !this.#isFenceTold) {
      this.#isFenceTold = true;
      events.problem(new SignalboxError('SB-3015', error.message, { cause: error }));
    }
    const giveUpAtMs = this.#closing?.giveUpAtMs ?? null;
    if (giveUpAtMs !== null && world.monotonic() >= giveUpAtMs) this.#isOver = true;
  }

  // ------------------------------------------------------------------------------------- in the group

  async #join(): Promise<void> {
    const { topic, group, worker, sessionTimeoutMs, events } = this.#options;
    const id = randomUUID();
    const values = [topic, group, id, worker, Math.ceil(sessionTimeoutMs), !this.#hasJoined];
    const [row] = await this.#query<{ joined: boolean }>(JOIN, values);
    if (row?.joined !== true) {
      this.#isOver = true;
      events.problem(new SignalboxError('SB-3009', `group ${group}`, { final: true }));
      return;
    }
    this.#hasJoined = true;
    this.#id = id;
  }

  /** One heartbeat and what follows from its answer. Whether another one should follow at once. */
  async #heartbeat(id: string): Promise<boolean> {
    const { world, topic, group, sessionTimeoutMs, events } = this.#options;
    const sentAtMs = world.monotonic();
    const isClaiming = this.#closing === null;
    const [beat] = await this.#query<HeartbeatRow>(HEARTBEAT, [topic, group, id, isClaiming]);
    if (beat?.alive !== true) {
      this.#lose();
      if (isClaiming) await this.#join();
      return true;
    }
    const couldBegin = this.mayBegin();
    const silentMs = sentAtMs - this.#provenAtMs;
    this.#provenAtMs = sentAtMs;
    // We slept over the answer: somebody may have taken our place meanwhile.
    if (!this.mayBegin()) return true;
    if (beat.was_silent === true) this.#judgesFromMs = sentAtMs + sessionTimeoutMs;
    this.#apply(beat);
    if (!couldBegin && this.#wasProven) {
      // Healed before another one failed: that nothing began meanwhile is told all the same.
      if (!this.#isFenceTold) events.problem(new SignalboxError('SB-3015', `none for ${silentMs} ms`));
      events.resumed();
    }
    this.#isFenceTold = false;
    this.#wasProven = true;
    return await this.#rebalance(id, beat);
  }

  /** Takes over the answer of a heartbeat as what we own (M1). */
  #apply(beat: HeartbeatRow): void {
    const { events, drainBudgetMs } = this.#options;
    const partitions = beat.partitions ?? [];
    for (const partition of this.#holds.keys()) {
      if (partitions.includes(partition)) continue;
      this.#holds.delete(partition);
      events.lost(partition);
    }
    for (const [index, partition] of partitions.entries()) {
      let hold = this.#holds.get(partition);
      if (hold === undefined) {
        const text = beat.group_offsets?.[index] ?? null;
        const offset = text === null ? null : Number(text);
        hold = { partition, state: 'owned', noted: null, written: null };
        this.#holds.set(partition, hold);
        events.assigned(partition, offset);
      }
      if (beat.leaving?.[index] === true && hold.state === 'owned') this.#drain(hold, drainBudgetMs);
    }
    this.#hasAssignment ||= beat.unassigned === false;
  }

  /** Removes the dead and makes the assignment where it is due. Whether it did anything. */
  async #rebalance(id: string, beat: HeartbeatRow): Promise<boolean> {
    const { world, topic, group } = this.#options;
    let isDue = beat.unassigned === true;
    if (beat.others_dead && world.monotonic() >= this.#judgesFromMs) {
      const [row] = await this.#query<{ removed: number }>(EXPIRE, [topic, group, id]);
      isDue ||= (row?.removed ?? 0) > 0;
    }
    if (!isDue) return false;
    const [state] = await this.#query<GroupRow>(READ_GROUP, [topic, group]);
    if (state === undefined) return true;
    const partitions = (state.partitions ?? []).map((partition, index) => ({
      partition,
      owner: state.owners?.[index] ?? null,
      wanted: state.wanted?.[index] ?? null,
    }));
    const wanted = assign(state.members, partitions);
    await this.#query(ASSIGN, [topic, group, state.generation, [...wanted.keys()], [...wanted.values()]]);
    return true;
  }

  /** Our row is gone: everything we had belongs to somebody else. */
  #lose(): void {
    this.#id = null;
    this.#hasAssignment = false;
    this.#provenAtMs = Number.NEGATIVE_INFINITY;
    const partitions = [...this.#holds.keys()];
    this.#holds.clear();
    for (const partition of partitions) this.#options.events.lost(partition);
  }

  // ------------------------------------------------------------------------------------- hand-over

  #drain(hold: Hold, budgetMs: number): void {
    const { world, events } = this.#options;
    hold.state = 'draining';
    const end = (): void => {
      timer.cancel();
      if (hold.state === 'drained') return;
      hold.state = 'drained';
      this.#bell.ring();
    };
    const timer = world.after(budgetMs, end);
    events.revoked(hold.partition, budgetMs).then(end, (cause: unknown) => {
      events.problem(new SignalboxError('SB-5006', `drain of partition ${hold.partition}`, { cause }));
      end();
    });
  }

  /** Closing: everything is drained, and what was draining before ends at the deadline of the closing. */
  #drainAll(closing: Closing): void {
    const { world } = this.#options;
    const isLate = world.monotonic() >= closing.deadlineMs;
    for (const hold of this.#holds.values()) {
      if (hold.state === 'owned') this.#drain(hold, closing.budgetMs);
      else if (isLate) hold.state = 'drained';
    }
    const isDrained = [...this.#holds.values()].every(({ state }) => state === 'drained');
    if (isDrained) closing.giveUpAtMs ??= world.monotonic() + LEAVE_MS;
  }

  async #release(): Promise<void> {
    const drained = [...this.#holds.values()].filter(({ state }) => state === 'drained');
    if (drained.length === 0) return;
    await this.#query(RELEASE, [
      ...this.#who(),
      drained.map(({ partition }) => partition),
      drained.map(({ noted }) => noted),
    ]);
    for (const { partition } of drained) this.#holds.delete(partition);
  }

  async #commit(): Promise<void> {
    const nowMs = this.#options.world.monotonic();
    if (nowMs - this.#committedAtMs < COMMIT_EVERY_MS) return;
    const dirty = [...this.#holds.values()].filter(({ noted, written }) => noted !== written);
    if (dirty.length === 0) return;
    const offsets = dirty.map(({ noted }) => noted);
    await this.#query(COMMIT, [...this.#who(), dirty.map(({ partition }) => partition), offsets]);
    for (const [index, hold] of dirty.entries()) hold.written = offsets[index] ?? null;
    this.#committedAtMs = nowMs;
  }

  async #beginLeave(): Promise<void> {
    if (this.#closing === null || this.#closing.isTold || this.#id === null) return;
    await this.#query(BEGIN_LEAVE, this.#who());
    this.#closing.isTold = true;
  }

  async #leave(): Promise<void> {
    if (this.#closing === null || this.#holds.size > 0) return;
    if (this.#id !== null) await this.#query(LEAVE, this.#who());
    this.#id = null;
    this.#hasAssignment = false;
    this.#provenAtMs = Number.NEGATIVE_INFINITY;
    this.#isOver = true;
  }

  #who(): [topic: number, group: string, member: string | null] {
    return [this.#options.topic, this.#options.group, this.#id];
  }

  async #query<Row extends object = object>(
    statement: Parameters<Database['query']>[0],
    values: readonly unknown[],
  ): Promise<Row[]> {
    const { database, sessionTimeoutMs } = this.#options;
    return await database.query<Row>(
      statement,
      values,
      Math.max(sessionTimeoutMs * STATEMENT, STATEMENT_MS_MIN),
    );
  }
}
