/**
 * A member of the consumer group: joins, keeps its membership proven by heartbeats, and says which partitions come
 * and go. It fetches and commits nothing.
 *
 * States: joining (from the first JoinGroup sent to the SyncGroup answered), settled (until the next reason to join),
 * draining (settled, and partitions are being handed over), left (after `leave`).
 * M1 Heartbeats go on in every state but left, also while joining and draining.
 * M2 What we own changes with a SyncGroup answer, with the end of a drain, and with a loss; by nothing else, and never
 *    by time alone: a heartbeat that succeeds after any outage proves the generation and with it the ownership.
 * M3 Lost is UNKNOWN_MEMBER_ID on any request, or ILLEGAL_GENERATION while no join is under way. A refusal between
 *    JoinGroup and SyncGroup says nothing.
 * M4 `provenAt` is when the last successful heartbeat, commit or SyncGroup was sent, not when it was answered.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';
import { assign } from './assignor.ts';
import type { GroupWire, Identity, JoinAnswer } from './group-wire.ts';
import { codeName, isCoordinatorGone, isForbidden, KAFKA, KafkaRefusal, problemOf } from './kafka-errors.ts';
import type { GroupTimes } from './settings.ts';
import { BackOff, Bell, pause } from './waiting.ts';

/** What the member tells its log. Called from the event loop. None of these may throw. */
export interface MemberListener {
  assigned(partitions: readonly number[]): void;
  /** Hand these over; the member joins again when the promise resolves. Never rejects. */
  revoke(partitions: readonly number[]): Promise<void>;
  /** Gone without a hand-over; a `revoke` of them under way ends at once. */
  lost(partitions: readonly number[]): void;
  /** The fence is open again after it was closed. */
  resumed(): void;
  /** A request of this kind failed, or succeeded (null). */
  reached(component: string, error: SignalboxError | null): void;
  problem(error: SignalboxError): void;
}

export interface MemberOptions {
  readonly world: World;
  readonly wire: GroupWire;
  readonly times: GroupTimes;
  readonly topic: string;
  /** Partitions of the topic as last looked up; the leader assigns these. */
  readonly partitionCount: () => number;
  readonly listener: MemberListener;
}

const NOBODY: Identity = { memberId: '', generation: -1 };
/** How long LeaveGroup may take: the session time-out does it otherwise. */
const LEAVE_MS = 2_000;

export class Member {
  readonly #options: MemberOptions;
  readonly #bell: Bell;
  readonly #pulse: Bell;
  readonly #backOff: BackOff;
  readonly #firstAnswer = Promise.withResolvers<void>();
  #identity = NOBODY;
  #owned = new Set<number>();
  #provenAt = Number.NEGATIVE_INFINITY;
  #fenceTold = false;
  #joining = false;
  #joinWanted = true;
  #leads = false;
  #takesNoMore = false;
  #left = false;

  constructor(options: MemberOptions) {
    const { world } = options;
    this.#options = options;
    this.#bell = new Bell(world);
    this.#pulse = new Bell(world);
    this.#backOff = new BackOff(world);
  }

  /** Resolves with the first answer to JoinGroup. Rejects (final) when the group cannot be joined as things are. */
  start(): Promise<void> {
    void this.#runRounds();
    void this.#beat();
    return this.#firstAnswer.promise;
  }

  /**
   * Under which commits are accepted now; null without a generation and while joining, when they would be refused.
   * Once nothing is taken any more it is given while joining too: there may be no next SyncGroup to wait for.
   */
  get identity(): Identity | null {
    if (this.#identity.generation < 0 || (this.#joining && !this.#takesNoMore)) return null;
    return this.#identity;
  }

  get joined(): boolean {
    return this.#identity.generation >= 0;
  }

  /** Two thirds of the session without a proof close it. */
  mayBegin(): boolean {
    return this.#options.world.monotonic() - this.#provenAt < this.#options.times.fenceMs;
  }

  /** A request sent at this time under this identity succeeded. */
  proven(sentAt: number): void {
    const wasClosed = !this.mayBegin() && this.#provenAt !== Number.NEGATIVE_INFINITY;
    this.#provenAt = Math.max(this.#provenAt, sentAt);
    if (!this.mayBegin()) return;
    this.#fenceTold = false;
    if (wasClosed) this.#options.listener.resumed();
  }

  /** A commit under this id was answered UNKNOWN_MEMBER_ID. */
  unknown(memberId: string): void {
    if (memberId === this.#identity.memberId) this.#lose(NOBODY);
  }

  /** The topic has more partitions. Only the leader's join starts a round, and one is enough. */
  partitionsGrew(): void {
    if (this.#leads) this.#wantJoin();
  }

  /** From now on no round begins and nothing is taken; heartbeats go on until `leave`. */
  takeNoMore(): void {
    this.#takesNoMore = true;
  }

  /** Leaves the group, so that the others need not wait for the session time-out. Never rejects. */
  async leave(): Promise<void> {
    const { memberId } = this.#identity;
    const { world, wire } = this.#options;
    this.#left = true;
    this.#identity = NOBODY;
    this.#bell.ring();
    this.#pulse.ring();
    this.#firstAnswer.resolve();
    if (memberId !== '') {
      const left = wire.leave(memberId).catch(() => undefined);
      await Promise.race([left, pause(world, LEAVE_MS)]);
    }
    await wire.close();
  }

  #wantJoin(): void {
    if (this.#takesNoMore) return;
    this.#joinWanted = true;
    this.#bell.ring();
  }

  // ------------------------------------------------------------------------------------------ rounds

  async #runRounds(): Promise<void> {
    const { world, listener } = this.#options;
    while (!this.#left) {
      if (!this.#joinWanted) {
        await this.#bell.wait();
        continue;
      }
      this.#joinWanted = false;
      try {
        await this.#round();
        listener.reached('group', null);
        this.#backOff.reset();
      } catch (error) {
        if (this.#left) return;
        this.#roundFailed(error);
        await pause(world, this.#backOff.next());
      }
    }
  }

  /** One JoinGroup and SyncGroup and what follows from them. Throws when it has to be tried again after a wait. */
  async #round(): Promise<void> {
    const answer = await this.#join();
    if (this.#left) return;
    if (answer.errorCode !== KAFKA.NONE) {
      this.#refused('JoinGroup', answer.errorCode);
      return;
    }
    this.#firstAnswer.resolve();
    const identity = { memberId: answer.memberId, generation: answer.generation };
    if (answer.memberId !== this.#identity.memberId)
      this.#identity = { ...NOBODY, memberId: answer.memberId };
    this.#leads = answer.leads;
    const sentAt = this.#options.world.monotonic();
    const { errorCode, assigned } = await this.#options.wire.sync(identity, this.#assignment(answer));
    if (this.#left) return;
    if (errorCode !== KAFKA.NONE) {
      if (errorCode === KAFKA.REBALANCE_IN_PROGRESS) this.#wantJoin();
      else this.#refused('SyncGroup', errorCode);
      return;
    }
    this.#identity = identity;
    this.#joining = false;
    this.proven(sentAt);
    await this.#settle(new Set(assigned));
  }

  async #join(): Promise<JoinAnswer> {
    const { wire } = this.#options;
    this.#joining = true;
    const answer = await wire.join(this.#identity, [...this.#owned]);
    if (answer.errorCode !== KAFKA.MEMBER_ID_REQUIRED || this.#left) return answer;
    this.#firstAnswer.resolve();
    this.#identity = { ...NOBODY, memberId: answer.memberId };
    return wire.join(this.#identity, []);
  }

  #assignment(answer: JoinAnswer): ReadonlyMap<string, readonly number[]> {
    if (!answer.leads) return new Map();
    const { topic, partitionCount, listener } = this.#options;
    const strangers = answer.members.filter(({ topics }) => !topics.includes(topic));
    if (strangers.length > 0) {
      const topics = [...new Set(strangers.flatMap((member) => member.topics))].join(', ');
      listener.problem(
        new SignalboxError('SB-3006', `members of this group read ${topics} instead of ${topic}`),
      );
    }
    return assign(
      answer.members.filter(({ topics }) => topics.includes(topic)),
      partitionCount(),
    );
  }

  async #settle(assigned: ReadonlySet<number>): Promise<void> {
    const { listener } = this.#options;
    if (this.#takesNoMore) return;
    const gone = [...this.#owned].filter((partition) => !assigned.has(partition));
    const fresh = [...assigned].filter((partition) => !this.#owned.has(partition));
    for (const partition of fresh) this.#owned.add(partition);
    if (fresh.length > 0) listener.assigned(fresh);
    if (gone.length === 0) return;
    await listener.revoke(gone);
    for (const partition of gone) this.#owned.delete(partition);
    // The group is stable meanwhile, and nobody has what we gave up before we join without it.
    this.#wantJoin();
  }

  #refused(request: string, errorCode: number): void {
    if (errorCode === KAFKA.UNKNOWN_MEMBER_ID) this.#lose(NOBODY);
    else if (errorCode === KAFKA.ILLEGAL_GENERATION) this.#lose({ ...this.#identity, generation: -1 });
    else throw new KafkaRefusal(request, errorCode);
  }

  #roundFailed(error: unknown): void {
    const problem = joinProblem(error);
    if (problem.final) this.#firstAnswer.reject(problem);
    if (this.#needsCoordinator(error)) this.#options.wire.forgetCoordinator();
    this.#options.listener.reached('group', problem);
    this.#wantJoin();
  }

  #needsCoordinator(error: unknown): boolean {
    return !(error instanceof KafkaRefusal) || isCoordinatorGone(error.errorCode);
  }

  // ------------------------------------------------------------------------------------------ heartbeats

  async #beat(): Promise<void> {
    const { world, wire, times, listener } = this.#options;
    const backOff = new BackOff(world);
    let waitMs = times.heartbeatMs;
    while (!this.#left) {
      await this.#pulse.wait(waitMs);
      waitMs = times.heartbeatMs;
      const identity = this.#identity;
      if (this.#left || identity.memberId === '') continue;
      const sentAt = world.monotonic();
      try {
        const errorCode = await wire.heartbeat(identity);
        if (isCoordinatorGone(errorCode) || isForbidden(errorCode))
          throw new KafkaRefusal('Heartbeat', errorCode);
        this.#judge(identity, errorCode, sentAt);
        listener.reached('heartbeat', null);
        backOff.reset();
      } catch (error) {
        if (this.#left) return;
        listener.reached('heartbeat', problemOf(error, 'heartbeat'));
        if (this.#needsCoordinator(error)) wire.forgetCoordinator();
        // A JoinGroup waits as long as a rebalance takes: only the heartbeats notice that its broker is gone.
        if (this.#joining && !(error instanceof KafkaRefusal)) wire.abandonJoin();
        waitMs = Math.min(backOff.next(), times.heartbeatMs);
      }
      this.#tellFence();
    }
  }

  /** M3. The answer to a heartbeat that was sent under this identity. */
  #judge(identity: Identity, errorCode: number, sentAt: number): void {
    if (this.#left || identity.memberId !== this.#identity.memberId || identity.generation < 0) return;
    const isCurrent = identity.generation === this.#identity.generation && !this.#joining;
    if (errorCode === KAFKA.NONE) this.proven(sentAt);
    else if (errorCode === KAFKA.REBALANCE_IN_PROGRESS) {
      // It renews the session as well.
      this.proven(sentAt);
      if (isCurrent) this.#wantJoin();
    } else if (errorCode === KAFKA.UNKNOWN_MEMBER_ID) this.#lose(NOBODY);
    else if (errorCode === KAFKA.ILLEGAL_GENERATION && isCurrent) this.#lose({ ...identity, generation: -1 });
  }

  #tellFence(): void {
    if (!this.joined || this.#fenceTold || this.mayBegin()) return;
    this.#fenceTold = true;
    const seconds = ((this.#options.world.monotonic() - this.#provenAt) / 1000).toFixed(1);
    this.#options.listener.problem(new SignalboxError('SB-3015', `none succeeded for ${seconds} s`));
  }

  #lose(next: Identity): void {
    const owned = [...this.#owned];
    this.#owned = new Set();
    this.#identity = next;
    this.#leads = false;
    this.#joining = false;
    if (owned.length > 0) this.#options.listener.lost(owned);
    this.#wantJoin();
  }
}

/** Final at `start`: a foreign protocol, an id or a session time-out the broker does not accept, no permission. */
function joinProblem(error: unknown): SignalboxError {
  if (!(error instanceof KafkaRefusal)) return problemOf(error, 'joining the group');
  const detail = `JoinGroup: ${codeName(error.errorCode)}`;
  if (error.errorCode === KAFKA.INCONSISTENT_GROUP_PROTOCOL) {
    return new SignalboxError('SB-3006', detail, { final: true });
  }
  if (error.errorCode === KAFKA.INVALID_SESSION_TIMEOUT) {
    const bounds = 'group.min.session.timeout.ms and group.max.session.timeout.ms of the broker';
    return new SignalboxError('SB-5002', `session time-out: it is not within ${bounds}`, { final: true });
  }
  if (error.errorCode === KAFKA.INVALID_GROUP_ID) {
    return new SignalboxError('SB-5002', 'group: the broker does not accept this name', { final: true });
  }
  return problemOf(error, 'joining the group');
}
