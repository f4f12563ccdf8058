/** Watches calls of participants: who sends them, when they arrive, what has become of the transaction by then. */
import type { Answer, CallKind } from '../core/answer.ts';
import { isFinal } from '../core/states.ts';
import type { Participant, StepCall } from '../engine/ports.ts';
import { placeOf } from './ledger-rows.ts';
import type { Recorded, SiteArrival } from './site.ts';
import type { Sometimes } from './sometimes.ts';
import type { Watch, Watched } from './watched.ts';

export function watchParticipant(participant: Participant, watch: Watch, worker: Watched): Participant {
  const follow =
    (kind: CallKind) =>
    (call: StepCall): Answer | Promise<Answer> => {
      worker.calls.add(call);
      watch.callers.set(call, worker);
      const answer = participant[kind](call);
      void Promise.resolve(answer).then(({ outcome }) => {
        worker.calls.delete(call);
        const row = watch.store.rows.get(call.transaction);
        if (outcome !== 'unknown' && row !== undefined && isFinal(row.state))
          watch.virtual.sometimes('an answer came after its transaction was final');
      });
      return answer;
    };
  return {
    execute: follow('execute'),
    status: follow('status'),
    reverse: follow('reverse'),
    capabilities: (location) => participant.capabilities(location),
    close: () => participant.close(),
  };
}

/** Told by the site of each packet, before it acts on it. */
export function watchArrivals({ virtual, store, broker, callers }: Watch): (arrival: SiteArrival) => void {
  const arrived = new WeakSet<StepCall>();
  const newest = new Map<string, string>();
  return ({ kind, call, isStale, recorded }) => {
    const caller = callers.get(call);
    const row = store.rows.get(call.transaction);
    if (caller === undefined || row === undefined) return;
    if (isFinal(row.state))
      virtual.sometimes('a call reached the participant after its transaction was final');
    const owner = store.partitions.get(placeOf(broker.topic.name, row.partition))?.worker;
    if (!caller.process.alive) virtual.sometimes('a call of a killed worker reached the participant');
    else if (owner !== caller.process.name) virtual.sometimes('a zombie reached the participant');
    if (arrived.has(call)) virtual.sometimes('a packet came twice');
    arrived.add(call);
    const before = newest.get(call.key);
    if (before !== undefined && isLower(call.token, before))
      virtual.sometimes('a packet came after a newer one of its key');
    else newest.set(call.key, call.token);
    const point = isStale ? 'a participant refused an old token' : pointOf(kind, recorded);
    if (point !== null) virtual.sometimes(point);
  };
}

function pointOf(kind: CallKind, recorded: Recorded | undefined): Sometimes | null {
  if (kind === 'execute') {
    if (recorded === undefined) return null;
    if (recorded === 'started') return 'an execute came while the same key was under way';
    return recorded === 'reversed'
      ? 'an execute came after the reversal of its key'
      : 'a participant repeated what it had recorded';
  }
  if (kind === 'status') {
    if (recorded === undefined) return 'a status found nothing';
    return recorded === 'started' ? 'a status found the step under way' : null;
  }
  return recorded === undefined ? 'a reversal left a tombstone' : null;
}

/** Tokens are decimal text without leading zeros. */
function isLower(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
