/** What of the state of the fleet a person should be told. Pure: from what was read to alerts. */
import { CATALOGUE } from '../core/errors/catalogue.ts';
import type { Alert, AlertKind } from './ports-alerts.ts';
import type { AttentionItem, DeadLetterCode } from './ports-lists.ts';
import type { FleetStatus } from './ports-read.ts';

export interface AlertFacts {
  readonly fleet: FleetStatus;
  /** Held ones first; at most as many as were asked for. */
  readonly attention: readonly AttentionItem[];
  readonly deadLetters: readonly DeadLetterCode[];
}

/** A worker that is silent for longer is lost: heartbeats come every second, a session time-out is 45 s. */
const LOST_AFTER_MS = 60_000;
/** A worker that did not come back within an hour has been replaced: nobody need be told any more. */
const REPLACED_AFTER_MS = 3_600_000;
/** Told at once of a kind, at most: a receiver of people must not be flooded, and the first say enough. */
const OPEN_MAX_OF_A_KIND = 100;

export function alertsOf(
  { fleet, attention, deadLetters }: AlertFacts,
  { inDoubtMs }: { readonly inDoubtMs: number },
): Alert[] {
  const nowMs = Date.parse(fleet.asOf);
  return [
    ...bounded(heldLocations(attention, fleet)),
    ...bounded(doubts(attention, { nowMs, inDoubtMs })),
    ...bounded(openDeadLetters(deadLetters)),
    ...bounded(unownedPartitions(fleet)),
    ...bounded(lostWorkers(fleet, nowMs)),
  ];
}

/** Beyond the bound nothing new is told; what was told stays as it is. */
function bounded(alerts: readonly Alert[]): Alert[] {
  return alerts.map((alert, index) => (index < OPEN_MAX_OF_A_KIND ? alert : { ...alert, ripe: false }));
}

/** One a location: the oldest of its held ones. */
function heldLocations(attention: readonly AttentionItem[], { held }: FleetStatus): Alert[] {
  const byLocation = new Map<string, AttentionItem>();
  for (const item of attention) {
    if (item.state === 'held' && !byLocation.has(item.location)) byLocation.set(item.location, item);
  }
  return [...byLocation.values()].map(({ location, id, code, step, since, behind }) =>
    alert('location.held', location, since, {
      text: `${location} is held: ${id} waits for a person's decision${code === null ? '' : ` (${code})`}.`,
      remedy: `signalbox why ${location}; look at the evidence and at the machine, then decide with a reason.`,
      location,
      transaction: id,
      step,
      code,
      cause: code === null ? null : CATALOGUE[code].cause,
      behind,
      heldInAll: held,
    }),
  );
}

function doubts(
  attention: readonly AttentionItem[],
  { nowMs, inDoubtMs }: { readonly nowMs: number; readonly inDoubtMs: number },
): Alert[] {
  const inDoubt = attention.filter(({ state }) => state === 'in_doubt' || state === 'reversing');
  return inDoubt.map(({ location, id, state, code, step, since }) => ({
    ...alert('transaction.in_doubt', id, since, {
      text: `${id} at ${location} is ${state === 'in_doubt' ? 'in doubt' : 'being reversed'}, without an end.`,
      remedy: `signalbox why ${location}; the participant does not answer clearly: mend it, and it is asked again.`,
      location,
      transaction: id,
      step,
      code,
    }),
    ripe: nowMs - Date.parse(since) >= inDoubtMs,
  }));
}

function openDeadLetters(codes: readonly DeadLetterCode[]): Alert[] {
  return codes
    .filter(({ open }) => open > 0)
    .map(({ code, open, partitions, firstAt }) =>
      alert('dead_letter.open', code, firstAt, {
        text: `${open} dead letters with ${code} wait for a person. ${CATALOGUE[code].cause}`,
        remedy: `signalbox dead-letters --code ${code}; mend the producer, then replay or discard them.`,
        code,
        records: open,
        partitions: [...partitions],
      }),
    );
}

/** Records of a partition that nobody owns wait. Ripe when the caller has seen it for long enough. */
function unownedPartitions({ partitions, workers, asOf }: FleetStatus): Alert[] {
  const owned = new Set(workers.filter(({ alive }) => alive).flatMap((worker) => worker.partitions));
  return partitions
    .filter(({ partition }) => !owned.has(partition))
    .map(({ partition, owner }) =>
      alert('partition.unowned', String(partition), asOf, {
        text: `Partition ${partition} has no worker: nothing of it begins.`,
        remedy: 'signalbox doctor; then the logs of the workers, and whether enough of them run.',
        partition,
        lastOwner: owner,
      }),
    );
}

/** One that drained has ended as it should. */
function lostWorkers({ workers }: FleetStatus, nowMs: number): Alert[] {
  return workers.flatMap(({ worker, alive, draining, heartbeatAt, partitions }) => {
    const silentMs = nowMs - Date.parse(heartbeatAt);
    if (alive || draining || silentMs < LOST_AFTER_MS || silentMs > REPLACED_AFTER_MS) return [];
    return [
      alert('worker.lost', worker, heartbeatAt, {
        text: `Worker ${worker} has not been heard of for a minute, and did not drain.`,
        remedy: 'Its log, and its machine. Others take over what it did.',
        worker,
        partitions: [...partitions],
      }),
    ];
  });
}

function alert(kind: AlertKind, what: string, since: string, data: Alert['data']): Alert {
  return { kind, key: `${kind}/${what}`, since, data, ripe: true };
}
