/**
 * Makes one fault happen and lets it end, and says whether it took hold.
 *
 * IN1 A fault of a place waits for its worker to be ready and left alone; the next place where that is so takes it when
 *     it takes too long. When there is none in time the fault has not taken hold.
 * IN2 After each fault its cause is gone: links pass, processes run, servers answer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LinkMode } from '../rig/link.ts';
import type { Stage } from '../rig/stage.ts';
import { until } from '../rig/wait.ts';
import { LINKS, type LinkName, mendLinks, type WorkerLinks } from '../rig/worker-links.ts';
import { locationName } from '../rig/workload.ts';
import type { Crew } from './crew.ts';
import type { FaultLog } from './fault-log.ts';
import { COMMON_FAULTS, type Fault, WORKER_FAULTS } from './schedule.ts';

export interface InjectDoors {
  readonly stage: Stage;
  readonly crew: Crew;
  readonly log: FaultLog;
  readonly locations: number;
  /** Places of the crew; two more are free for bursts. */
  readonly places: number;
}

type End = (fired: boolean, more?: string) => void;

/** A start takes seconds under load, and its place may have just lost another worker. */
const READY_MS = 25_000;
/** So long a fault waits for the place it was meant for. */
const OWN_PLACE_MS = 4_000;
/** Two that join while everything else breaks. */
const BURST_READY_MS = 45_000;
/** Connections of a worker carry something several times a second. */
const BREAK_MS = 6_000;
/** Servers that were killed are away for a moment before somebody starts them. */
const AWAY_MS = 500;
const BACKENDS_MS = 10_000;
const POLL_MS = 50;
/** A tenth of the locations. */
const STUCK_EVERY = 10;
const STUCK_REST = 5;

const BACKENDS = `select count(pg_terminate_backend(pid))::float8 as ended from pg_stat_activity
  where application_name <> 'rig' and backend_type = 'client backend' and pid <> pg_backend_pid()`;
const STUCK = `select count(*)::float8 as count from signalbox.transactions
  where location = any($1) and state in ('executing', 'in_doubt') and began_at < now() - interval '1 second'`;

export async function inject(fault: Fault, doors: InjectDoors): Promise<void> {
  if (isOneOf(COMMON_FAULTS, fault.kind)) return injectCommon(fault, doors);
  const place = await freePlace(fault, doors);
  await doors.crew.exclusive(place, async () => {
    const worker = await readyWorker(place, doors);
    const links = doors.stage.links[place];
    const end = doors.log.begin(fault.kind, worker ?? `place ${place}`);
    if (worker === null || links === undefined) return end(false, 'no worker was ready');
    if (isOneOf(WORKER_FAULTS, fault.kind)) await injectWorker(fault, { ...doors, worker, links, end });
    else await injectLink(fault, { links, end });
  });
}

function isOneOf(kinds: readonly string[], kind: string): boolean {
  return kinds.includes(kind);
}

/** IN1. The planned place when none is free in time. */
async function freePlace({ place }: Fault, { crew, places }: InjectDoors): Promise<number> {
  const untilMs = Date.now() + OWN_PLACE_MS;
  const what = 'a place is free';
  const free = (): { readonly place: number } | null => {
    if (crew.isFree(place)) return { place };
    if (Date.now() < untilMs) return null;
    const other = Array.from({ length: places }, (_, number) => number).find((number) => crew.isFree(number));
    return other === undefined ? null : { place: other };
  };
  const found = await until({ what, timeoutMs: READY_MS, pollMs: POLL_MS }, free).catch(() => null);
  return found?.place ?? place;
}

async function readyWorker(place: number, { crew, stage }: InjectDoors): Promise<string | null> {
  const what = `the worker at place ${place} is ready`;
  return until({ what, timeoutMs: READY_MS, pollMs: POLL_MS }, () => {
    const worker = crew.readyAt(place);
    return worker !== null && stage.fleet.isRunning(worker) && worker;
  }).catch(() => null);
}

async function injectWorker(
  { kind, forMs }: Fault,
  { stage, crew, worker, links, end }: InjectDoors & { worker: string; links: WorkerLinks; end: End },
): Promise<void> {
  const { fleet } = stage;
  switch (kind) {
    case 'kill':
      crew.kill(worker);
      await fleet.exited(worker);
      return end(true);
    case 'stop': {
      const { code } = await crew.stop(worker);
      return end(true, `code ${code}`);
    }
    case 'freeze':
      fleet.freeze(worker);
      await delay(forMs);
      fleet.wake(worker);
      return end(fleet.isRunning(worker));
    default:
      // A host that dies says nothing to anybody, and nothing reaches it.
      for (const name of LINKS) links[name].set('dead');
      fleet.freeze(worker);
      await delay(forMs);
      crew.kill(worker);
      await fleet.exited(worker);
      mendLinks(links);
      return end(true);
  }
}

async function injectLink(
  { kind, forMs, amount }: Fault,
  { links, end }: { readonly links: WorkerLinks; readonly end: End },
): Promise<void> {
  const name = LINKS.find((link) => kind.endsWith(link)) as LinkName;
  const link = links[name];
  // A worker that is ready may own nothing yet, and then talks to the site only when it does.
  const connected = { what: `a connection to the ${name}`, timeoutMs: READY_MS, pollMs: POLL_MS };
  await until(connected, () => link.open > 0).catch(() => undefined);
  const broken = link.counts.broken;
  const brokenSince = () => link.counts.broken - broken;
  if (kind.startsWith('reset') || kind.startsWith('cut')) {
    const what = 'a connection is broken';
    let armed = 0;
    const broke = () => {
      if (brokenSince() > 0) return true;
      // Connections that were opened meanwhile are armed too.
      armed = kind.startsWith('reset') ? link.resetAfter(amount) : link.cutAfterRequest();
      return false;
    };
    await until({ what, timeoutMs: BREAK_MS, pollMs: POLL_MS }, broke).catch(() => undefined);
    link.disarm();
    return end(brokenSince() > 0, `${brokenSince()} of ${armed} connections`);
  }
  const mode: LinkMode = kind.startsWith('dead') ? 'dead' : kind.startsWith('slow') ? 'slow' : 'silent';
  const { open } = link;
  const { bytes } = link.counts;
  link.set(mode, amount);
  await delay(forMs);
  link.set('open');
  const fired = mode === 'slow' ? link.counts.bytes > bytes : open > 0;
  return end(fired, `${open} connections`);
}

async function injectCommon(fault: Fault, doors: InjectDoors): Promise<void> {
  const { stage, log } = doors;
  switch (fault.kind) {
    case 'broker-restart':
      return restart(fault, { name: 'broker', server: stage.kafka.broker }, doors);
    case 'ledger-restart':
      return restart(fault, { name: 'ledger', server: stage.postgres }, doors);
    case 'site-restart':
      return restart(fault, { name: 'site', server: stage.site }, doors);
    case 'backends':
      return endBackends(log.begin(fault.kind, 'ledger'), stage);
    case 'burst':
      return burst(fault, doors);
    default:
      return jamTenth(fault, doors);
  }
}

interface Server {
  readonly name: string;
  readonly server: { kill(): Promise<void>; restart(): Promise<void> };
}

/** The broker is still starting when the next of its restarts is due: that one waits. */
async function restart({ kind }: Fault, { name, server }: Server, { crew, log }: InjectDoors): Promise<void> {
  await crew.turns.take(name, async () => {
    const end = log.begin(kind, name);
    await server.kill();
    await delay(AWAY_MS);
    await server.restart();
    end(true);
  });
}

async function endBackends(end: End, { ledger }: Stage): Promise<void> {
  const what = 'backends of the ledger are ended';
  const ended = await until({ what, timeoutMs: BACKENDS_MS, pollMs: 250 }, async () => {
    const [row] = await ledger.rows<{ ended: number }>(BACKENDS).catch(() => []);
    return row !== undefined && row.ended > 0 && row.ended;
  }).catch(() => 0);
  end(ended > 0, `${ended} backends`);
}

/** Two workers join, and leave as soon as they are ready. */
async function burst({ atMs }: Fault, { stage, places, log }: InjectDoors): Promise<void> {
  const names = [0, 1].map((number) => `burst-${Math.round(atMs / 100)}-${number + 1}`);
  const end = log.begin('burst', names.join(' and '));
  for (const [index, name] of names.entries()) stage.launchAt(places + index, name);
  const ready = await Promise.allSettled(names.map((name) => stage.fleet.ready(name, BURST_READY_MS)));
  const exits = await Promise.all(names.map((name) => stage.fleet.stop(name)));
  const joined = ready.filter(({ status }) => status === 'fulfilled').length;
  end(joined > 0, `${joined} joined, left with codes ${exits.map(({ code }) => code).join(' and ')}`);
}

/** Locations that are stuck when a tenth is. */
export function stuckTenth(locations: number): string[] {
  return Array.from({ length: locations }, (_, position) => position)
    .filter((position) => position % STUCK_EVERY === STUCK_REST)
    .map(locationName);
}

async function jamTenth({ forMs }: Fault, { stage, locations, log }: InjectDoors): Promise<void> {
  const stuck = stuckTenth(locations);
  const end = log.begin('stuck', `${stuck.length} locations`);
  // The site may be on its way back from a kill.
  const jam = () =>
    stage.site.change({ jam: stuck }).then(
      () => true,
      () => false,
    );
  await until({ what: 'the site jams a tenth of its locations', timeoutMs: READY_MS }, jam);
  await delay(forMs);
  const [row] = await stage.ledger.rows<{ count: number }>(STUCK, [stuck]).catch(() => []);
  // The site may have been killed meanwhile: then nothing is jammed any more.
  await stage.site.change({ release: stuck }).catch(() => undefined);
  end((row?.count ?? 0) > 0, `${row?.count ?? 0} of them held a transaction for over a second`);
}
