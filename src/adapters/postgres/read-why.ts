/**
 * Why a location waits, in sentences for people: the cause, what happens next and when, what would free it.
 * Pure: facts of the ledger in, text out; no clock (`atMs` is the ledger's).
 *
 * Y1 Every state of the location has its sentences: free, waiting, paused, each holding state, with an owner, a
 *    silent one or none.
 * Y2 Of several holders the one that most needs a person is told of: held, in doubt, reversing, executing; of
 *    equals the one that holds longest.
 * Y3 What is promised for later names who does it, and the time if one is planned.
 */
import { CATALOGUE, type ErrorCode } from '../../core/errors/catalogue.ts';
import type { HoldingState } from '../../core/states.ts';

export interface HolderFacts {
  readonly id: string;
  readonly state: HoldingState;
  /** Name of the step. */
  readonly step: string;
  readonly sinceMs: number;
  readonly code: ErrorCode | null;
  readonly detail: string | null;
  readonly nextAttemptMs: number | null;
  readonly notAfterMs: number | null;
}

export interface WhyFacts {
  readonly location: string;
  readonly atMs: number;
  readonly concurrency: number;
  readonly paused: {
    readonly reason: string | null;
    readonly who: string | null;
    /** The pattern by which the location is paused; null: it is paused itself. */
    readonly pattern: string | null;
  } | null;
  readonly holders: readonly HolderFacts[];
  readonly parked: number;
  /** Null when unknown. */
  readonly waitingInMemory: number | null;
  readonly partition: number | null;
  readonly owner: {
    readonly worker: string;
    readonly alive: boolean;
    /** Null when it never sent one. */
    readonly heartbeatMs: number | null;
  } | null;
}

export interface WhySentences {
  readonly cause: string;
  readonly next: string;
  readonly exit: string;
}

const URGENCY: readonly HoldingState[] = ['held', 'in_doubt', 'reversing', 'executing'];

export function whySentences(facts: WhyFacts): WhySentences {
  const holder = mostUrgent(facts.holders);
  if (holder === undefined) return facts.paused === null ? withoutHolder(facts) : whilePaused(facts);
  const cause = `${holderCause(holder, facts)}${waitingPart(facts, ' behind it')}${slotPart(facts)}`;
  const next = holderNext(holder, facts);
  const exit = holderExit(holder);
  if (facts.paused === null) return { cause: `${cause}.`, next: `${next}.`, exit: `${exit}.` };
  return {
    cause: `${cause}; the location is also ${pausedPart(facts)}.`,
    next: `${next}; nothing begins after it while the location is paused.`,
    exit: `${exit}; then an operator resumes ${toResume(facts, 'the location')}.`,
  };
}

function mostUrgent(holders: readonly HolderFacts[]): HolderFacts | undefined {
  return holders.toSorted(
    (a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state) || a.sinceMs - b.sinceMs,
  )[0];
}

// ------------------------------------------------------------------------------------- no holder

function withoutHolder(facts: WhyFacts): WhySentences {
  const waiting = facts.parked + (facts.waitingInMemory ?? 0);
  const trouble = ownerTrouble(facts);
  if (waiting === 0) {
    return {
      cause: `Nothing holds ${facts.location}, and nothing is known to wait for it.`,
      next:
        trouble === null ? 'Its next transaction begins at once.' : `Its next transaction waits: ${trouble}.`,
      exit: 'Nothing to free.',
    };
  }
  const cause = `${plural(waiting, 'transaction')} of ${facts.location} ${are(waiting)} waiting and none holds it`;
  if (trouble === null) {
    return {
      cause: `${cause}.`,
      next: `${facts.owner?.worker ?? 'Its worker'} begins the first of them.`,
      exit: 'The begin of the first one.',
    };
  }
  return {
    cause: `${cause}: ${trouble}.`,
    next: `${handOver(facts)}.`,
    exit: 'A worker that owns the partition.',
  };
}

function whilePaused(facts: WhyFacts): WhySentences {
  const trouble = ownerTrouble(facts);
  return {
    cause: `${facts.location} is ${pausedPart(facts)}${waitingPart(facts, '')}.`,
    next: `Nothing begins there until ${toResume(facts, 'it')} is resumed${trouble === null ? '' : `; moreover ${trouble}`}.`,
    exit: `An operator resumes ${toResume(facts, 'the location')}.`,
  };
}

/** What an operator has to name. */
function toResume({ paused }: WhyFacts, location: string): string {
  return paused?.pattern ?? location;
}

function pausedPart({ paused }: WhyFacts): string {
  const who = paused?.who == null ? '' : ` by ${paused.who}`;
  const how = paused?.pattern == null ? '' : ` with all of ${paused.pattern}`;
  return `paused${how}${who}${paused?.reason == null ? '' : ` (${paused.reason})`}`;
}

// ------------------------------------------------------------------------------------- a holder

function holderCause(holder: HolderFacts, facts: WhyFacts): string {
  const { id, step } = holder;
  const since = clock(holder.sinceMs, facts.atMs);
  switch (holder.state) {
    case 'executing':
      return isPlanned(holder, facts)
        ? `Transaction ${id} waits to execute step ${step} again, since ${since}${because(holder)}`
        : `Transaction ${id} is executing step ${step} since ${since}`;
    case 'in_doubt':
      return `It is not known since ${since} whether step ${step} of transaction ${id} took effect${because(holder)}`;
    case 'reversing':
      return `Step ${step} of transaction ${id} is being undone since ${since}${because(holder)}`;
    case 'held':
      return `Transaction ${id} is held at step ${step} since ${since}${because(holder)}`;
  }
}

function holderNext(holder: HolderFacts, facts: WhyFacts): string {
  if (holder.state === 'held') {
    const trouble = ownerTrouble(facts);
    const applied = trouble === null ? '' : `; a decision is applied by the next owner, for ${trouble}`;
    return `Nothing by itself: a person decides${applied}`;
  }
  if (ownerTrouble(facts) !== null) return `${handOver(facts)}; the next owner ${NEXT_ACT[holder.state]}`;
  const worker = facts.owner?.worker ?? 'Its worker';
  const act = ACT[holder.state];
  if (isPlanned(holder, facts) && holder.nextAttemptMs !== null) {
    return `${worker} ${act} again at ${clock(holder.nextAttemptMs, facts.atMs)}`;
  }
  if (holder.state !== 'executing') return `${worker} ${act} now`;
  const until = holder.notAfterMs === null ? '' : ` until ${clock(holder.notAfterMs, facts.atMs)}`;
  return `${worker} waits for the answer${until}; without one the step goes in doubt and its status is asked`;
}

const ACT = {
  executing: 'executes the step',
  in_doubt: 'asks the status',
  reversing: 'asks the participant to undo it',
} as const;

/** What an executing step needs after a hand-over is its status: it goes in doubt. */
const NEXT_ACT = { ...ACT, executing: ACT.in_doubt } as const;

function holderExit({ state, code }: HolderFacts): string {
  switch (state) {
    case 'executing':
      return 'The answer of the participant';
    case 'in_doubt':
      return 'An answer of the participant that says what became of the step, or the decision of a person';
    case 'reversing':
      return 'The answer of the participant that the step is undone, or the decision of a person';
    case 'held':
      return `The decision of a person${code === null ? '' : `: ${within(CATALOGUE[code].remedy)}`}`;
  }
}

function because({ code, detail }: HolderFacts): string {
  if (code === null) return detail === null ? '' : `: ${detail}`;
  return `: ${code} ${unstopped(CATALOGUE[code].cause)}${detail === null ? '' : ` (${detail})`}`;
}

function isPlanned({ nextAttemptMs }: HolderFacts, { atMs }: WhyFacts): boolean {
  return nextAttemptMs !== null && nextAttemptMs > atMs;
}

// ------------------------------------------------------------------------------------- the owner

/** Why nobody works on the partition at the moment; null when its owner lives. */
function ownerTrouble({ owner, partition, atMs }: WhyFacts): string | null {
  if (owner === null) {
    return partition === null
      ? 'no worker has taken its partition over yet'
      : `no worker owns partition ${partition}`;
  }
  if (owner.alive) return null;
  if (owner.heartbeatMs === null) return `${owner.worker} has never been heard of`;
  return `${owner.worker} has not been heard of for ${duration(atMs - owner.heartbeatMs)}`;
}

function handOver(facts: WhyFacts): string {
  if (facts.owner === null) return 'A worker of the group takes the partition over when one runs';
  return `${ownerTrouble(facts)}; the group hands the partition over after the session time-out`;
}

// ------------------------------------------------------------------------------------- words

function waitingPart(facts: WhyFacts, where: string): string {
  const waiting = facts.parked + (facts.waitingInMemory ?? 0);
  return waiting === 0 ? '' : `; ${plural(waiting, 'transaction')} ${are(waiting)} waiting${where}`;
}

function slotPart({ concurrency, holders }: WhyFacts): string {
  return concurrency === 1 && holders.length === 1
    ? ''
    : `; ${holders.length} of ${concurrency} slots are taken`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function are(count: number): string {
  return count === 1 ? 'is' : 'are';
}

/** A sentence of the catalogue as the end of another one. */
function within(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + unstopped(sentence).slice(1);
}

function unstopped(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

/** `14 s`, `3 min`, `2 h`, `5 d`: the largest unit of which there are at least two, from seconds up. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const;
  for (const [length, name] of units) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${name}`;
  }
  return `${seconds} s`;
}

/** `12:01:05 UTC`, with the date where it is not the day of `atMs`. */
function clock(ms: number, atMs: number): string {
  const [day, time] = parts(ms);
  return day === parts(atMs)[0] ? `${time} UTC` : `${day} ${time} UTC`;
}

function parts(ms: number): [day: string, time: string] {
  const text = new Date(ms).toISOString();
  return [text.slice(0, 10), text.slice(11, 19)];
}
