/**
 * Some points are passed only when something unusual happens. This sees to it, for the worker that is armed with such
 * a point, until it is dead: a lost answer of the ledger, a hand-over, a lane that stands still, a decision.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { PostgresOperations } from '../../src/adapters/postgres/operations.ts';
import { partitionOf } from '../../src/core/murmur2.ts';
import type { Point } from '../../src/engine/points.ts';
import type { Stage } from '../rig/stage.ts';
import type { WorkerLinks } from '../rig/worker-links.ts';
import { locationName } from '../rig/workload.ts';
import type { FaultLog } from './fault-log.ts';

export interface ProvokeDoors {
  readonly stage: Stage;
  readonly log: FaultLog;
  readonly locations: number;
  readonly worker: string;
  readonly links: WorkerLinks;
  /** Aborts when the worker is dead. */
  readonly signal: AbortSignal;
  /** SIGTERM. */
  readonly stop: () => Promise<void>;
}

/** Between two lost answers: the ledger is asked again within this. */
const CUT_EVERY_MS = 1_000;
/** A lane is parked when it has not moved for a second; a record must come to wait behind the one that stands. */
const JAM_MS = 3_500;
const FREE_MS = 2_000;
/** The busiest locations of the worker: each gets about a record a second. */
const JAMMED = 4;
/** Hand-overs come by themselves when others leave and join; after this the worker is told to leave. */
const HAND_OVER_MS = 4_000;
/** More tries than a run has time for. */
const TRIES_MAX = 1_000;
const POLL_MS = 250;

export async function provoke(point: Point, doors: ProvokeDoors): Promise<void> {
  const way = wayOf(point);
  if (way === null) return;
  for (let attempt = 0; attempt < TRIES_MAX && !doors.signal.aborted; attempt += 1) {
    // Broker, ledger or site may be away: that is what the run is about, the next try comes.
    await way(doors).catch(() => wait(POLL_MS, doors.signal));
  }
}

function wayOf(point: Point): ((doors: ProvokeDoors) => Promise<void>) | null {
  switch (point) {
    case 'settling':
    case 'raised':
      return loseAnswers;
    case 'revoked':
    case 'drained':
      return handOver;
    case 'parking':
    case 'parked':
    case 'page-read':
      return (doors) => jamSome(doors, async () => undefined);
    case 'commanding':
      return (doors) => jamSome(doors, (locations) => cancelBehind(doors, locations));
    default:
      return null;
  }
}

async function loseAnswers({ links, log, worker, signal }: ProvokeDoors): Promise<void> {
  const before = links.ledger.counts.broken;
  links.ledger.cutAfterRequest();
  const end = log.begin('provoked', worker, 'answers of the ledger cut off');
  await wait(CUT_EVERY_MS, signal);
  end(links.ledger.counts.broken > before);
}

async function handOver({ stop, signal }: ProvokeDoors): Promise<void> {
  await wait(HAND_OVER_MS, signal);
  if (!signal.aborted) await stop();
}

/** Effects at busy locations of this worker do not end for a while. */
async function jamSome(
  doors: ProvokeDoors,
  meanwhile: (locations: readonly string[]) => Promise<void>,
): Promise<void> {
  const { stage, log, worker, signal } = doors;
  const locations = await busyLocations(doors);
  if (locations.length === 0) return wait(POLL_MS, signal);
  await stage.site.change({ jam: locations });
  const end = log.begin('provoked', worker, `${locations.join(', ')} jammed`);
  try {
    await wait(JAM_MS, signal);
    if (!signal.aborted) await meanwhile(locations);
  } finally {
    await stage.site.change({ release: locations }).catch(() => undefined); // a site that restarts has no jam
    end(true);
  }
  await wait(FREE_MS, signal);
}

async function busyLocations({ stage, worker, locations }: ProvokeDoors): Promise<string[]> {
  const rows = await stage.ledger.rows<{ partition: number }>(
    'select partition from signalbox.partitions where worker = $1',
    [worker],
  );
  const own = new Set(rows.map(({ partition }) => partition));
  const names = Array.from({ length: locations }, (_, position) => locationName(position));
  return names.filter((name) => own.has(partitionOf(name, stage.topic.partitions))).slice(0, JAMMED);
}

/** The last parked transaction of each location is cancelled by a person. */
async function cancelBehind(
  { stage, log, worker }: ProvokeDoors,
  locations: readonly string[],
): Promise<void> {
  const parked = await stage.ledger.rows<{ id: string }>(
    `select distinct on (location) id from signalbox.transactions
     where state = 'received' and location = any($1) order by location, "offset" desc`,
    [locations],
  );
  const operations = new PostgresOperations({
    connectionString: stage.postgres.connectionString,
    topic: stage.topic.name,
  });
  const end = log.begin('provoked', worker, `${parked.length} parked transactions cancelled`);
  try {
    const why = { actor: 'chaos', reason: 'cancelled while parked', evidence: null };
    for (const { id } of parked) await operations.propose({ id, action: 'cancel', ...why });
    await delay(FREE_MS); // the owner looks every second, and the jam must not end before
  } finally {
    end(parked.length > 0);
    await operations.close();
  }
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
