/** Routes about locations: the list, one with all that is known, why it waits, and the diagram of lines. */
import { z } from 'zod';
import { actsOf } from './acts.ts';
import type { ApiDoors } from './doors.ts';
import { count, limit, listOf, name, state, time, wholeNumber, yesOrNo } from './fields.ts';
import { counts, type Identity, needLocation } from './identity.ts';
import { BLOCK_STATES, type BlockState, blockOf, linesOf, blockState as stateOf } from './lines.ts';
import { byBytes, type KnownLocations, type LocationsDirectory } from './locations-directory.ts';
import { type Route, route } from './route.ts';
import type { StatusBoard } from './status-board.ts';
import {
  actSchema,
  auditSchema,
  blockState,
  eventSchema,
  itemOf,
  itemSchema,
  type LocationRow,
  locationSchema,
  spanOf,
  spanSchema,
} from './views.ts';

const SORTS = ['harm', 'name', 'waiting', 'oldest'] as const;
const ROWS_MAX = 500;
/** Locations of one question for the last outcomes: what a screen shows. */
const RECENT_MAX = 100;
const OFFSET_MAX = 1_000_000;

export const whySchema = z.object({
  location: z.string(),
  asOf: time,
  concurrency: count,
  paused: z.boolean(),
  holders: z.array(
    z.object({
      id: z.string(),
      slot: count,
      state,
      step: z.string(),
      since: time,
      code: z.nullable(z.string()),
      detail: z.nullable(z.string()),
      attempts: count,
      token: z.string(),
      nextAttemptAt: z.nullable(time),
      notAfter: z.nullable(time),
      acts: z.array(actSchema),
    }),
  ),
  parked: count,
  parkedSince: z.nullable(time),
  waitingInMemory: z.nullable(count),
  partition: z.nullable(count),
  epoch: z.nullable(count),
  owner: z.nullable(z.string()),
  ownerAlive: z.nullable(z.boolean()),
  last: z.nullable(z.object({ id: z.string(), state, finishedAt: time })),
  cause: z.string(),
  next: z.string(),
  exit: z.string(),
});

const recentSchema = z.object({
  location: z.string(),
  outcomes: z.array(z.enum(['completed', 'rolled_back'])),
  perMinute: z.array(count),
  p50Ms: z.nullable(z.number()),
  rolledBack: count,
  counted: count,
});

const block = z.object({
  location: z.string(),
  state: blockState,
  holders: count,
  concurrency: count,
  waiting: count,
});
const section = z.object({
  from: z.string(),
  to: z.string(),
  locations: count,
  occupied: count,
  worst: blockState,
  inWorst: count,
});
const countsSchema = z.object({
  clear: count,
  paused: count,
  executing: count,
  reversing: count,
  in_doubt: count,
  held: count,
});

export const locationsAnswer = z.object({
  asOf: time,
  locations: z.array(locationSchema),
  /** Of the filter. */
  total: count,
  counts: countsSchema,
  known: count,
  waitingAt: count,
  /** Beyond 200,000 names only the first are known. */
  sampled: z.boolean(),
});

export const recentAnswer = z.object({ asOf: time, locations: z.array(recentSchema) });

export const locationAnswer = z.object({
  asOf: time,
  row: locationSchema,
  recent: z.array(spanSchema),
  queue: z.array(itemSchema),
  audit: z.array(auditSchema),
  events: z.array(eventSchema),
});

export const linesAnswer = z.object({
  asOf: time,
  lines: z.array(
    z.object({
      partition: count,
      blocks: z.nullable(z.array(block)),
      sections: z.nullable(z.array(section)),
    }),
  ),
  counts: countsSchema,
  waitingAt: count,
  locations: count,
  sampled: z.boolean(),
});

interface Parts {
  readonly doors: ApiDoors;
  readonly board: StatusBoard;
  readonly directory: LocationsDirectory;
}

export function locationRoutes(parts: Parts): Route[] {
  return [listRoute(parts), recentRoute(parts), oneRoute(parts), whyRoute(parts), linesRoute(parts)];
}

function listRoute(parts: Parts): Route {
  const { doors, directory } = parts;
  return route({
    method: 'GET',
    path: '/v1/locations',
    door: 'viewer',
    summary: 'Every known location, the worst first; what is open is at most a second old',
    query: z.strictObject({
      states: listOf(BLOCK_STATES).optional(),
      /** Only those at which something waits. */
      waiting: yesOrNo.optional(),
      partition: wholeNumber(0, 100_000).optional(),
      /** Part of the name. */
      q: z.string().max(128).optional(),
      from: name.optional(),
      to: name.optional(),
      sort: z.enum(SORTS, { error: `one of: ${SORTS.join(', ')}` }).default('harm'),
      limit: limit(ROWS_MAX, 100),
      offset: wholeNumber(0, OFFSET_MAX).default(0),
    }),
    answer: locationsAnswer,
    handle: async ({ query, identity }) => {
      const known = within(await directory.known(), identity);
      const partitions = await partitionCount(parts);
      const rowOf = (location: string) => locationRow(location, known, { ...parts, partitions });
      const rows = filtered(known, query, rowOf);
      const { counts: byState, waitingAt } = linesOf({
        known,
        partitions: [],
        partitionOf: () => -1,
        concurrencyOf: doors.types.concurrencyOf,
      });
      return {
        asOf: new Date(doors.world.now()).toISOString(),
        locations: rows.slice(query.offset, query.offset + query.limit),
        total: rows.length,
        counts: byState,
        known: known.names.length,
        waitingAt,
        sampled: known.sampled,
      };
    },
  });
}

function recentRoute({ doors }: Parts): Route {
  return route({
    method: 'GET',
    path: '/v1/locations/recent',
    door: 'viewer',
    summary: 'The last outcomes of some locations, with a comma between their names',
    query: z.strictObject({
      locations: z
        .string()
        .refine((text) => text.split(',').every((each) => name.safeParse(each).success), {
          error: 'names with a comma between',
        })
        .refine((text) => text.split(',').length <= RECENT_MAX, { error: `at most ${RECENT_MAX} names` }),
    }),
    answer: recentAnswer,
    handle: async ({ query, identity }) => {
      const wanted = query.locations.split(',').filter((location) => counts(identity, location));
      return {
        asOf: new Date(doors.world.now()).toISOString(),
        locations: await doors.lists.recent(wanted),
      };
    },
  });
}

function oneRoute(parts: Parts): Route {
  const { doors, directory } = parts;
  return route({
    method: 'GET',
    path: '/v1/locations/:location',
    door: 'viewer',
    summary: 'One location: its last transactions as spans, its queue, its settings, what people did',
    params: z.object({ location: name }),
    answer: locationAnswer,
    handle: async ({ params: { location }, identity }) => {
      needLocation(identity, location);
      const [detail, open, partitions] = await Promise.all([
        doors.lists.locationDetail(location),
        directory.open(),
        partitionCount(parts),
      ]);
      const known = { names: [], open, sampled: false };
      return {
        ...detail,
        row: locationRow(location, known, { ...parts, partitions }),
        recent: detail.recent.map((span) => spanOf(span, doors.displayOf)),
        queue: detail.queue.map((item) => itemOf(item, doors.displayOf)),
      };
    },
  });
}

function whyRoute({ doors }: Parts): Route {
  return route({
    method: 'GET',
    path: '/v1/locations/:location/why',
    door: 'viewer',
    summary: 'Why a location waits: who holds it and since when, what happens next, what would free it',
    params: z.object({ location: name }),
    answer: whySchema,
    handle: async ({ params: { location }, identity }) => {
      needLocation(identity, location);
      const why = await doors.read.why(location);
      return { ...why, holders: why.holders.map((each) => ({ ...each, acts: actsOf(each.state) })) };
    },
  });
}

function linesRoute(parts: Parts): Route {
  const { doors, directory, board } = parts;
  return route({
    method: 'GET',
    path: '/v1/lines',
    door: 'viewer',
    summary:
      'The diagram: one line a partition, with its locations as blocks, or as sections above 400 of them',
    answer: linesAnswer,
    handle: async ({ identity }) => {
      const [known, { fleet }] = await Promise.all([directory.known(), board.now()]);
      const partitions = (fleet?.partitions ?? []).map(({ partition }) => partition);
      const seen = within(known, identity);
      return {
        asOf: new Date(doors.world.now()).toISOString(),
        ...linesOf({
          known: seen,
          partitions,
          partitionOf: (location) => directory.partitionOf(location, Math.max(1, partitions.length)),
          concurrencyOf: doors.types.concurrencyOf,
        }),
        sampled: seen.sampled,
      };
    },
  });
}

// ---------------------------------------------------------------------------------------------- helpers

/** What the identity may see of them. */
function within(known: KnownLocations, identity: Identity): KnownLocations {
  if (identity.locations === null) return known;
  return {
    names: known.names.filter((location) => counts(identity, location)),
    open: new Map([...known.open].filter(([location]) => counts(identity, location))),
    sampled: known.sampled,
  };
}

/** Null while the ledger does not know all partitions. */
async function partitionCount({ board }: Parts): Promise<number | null> {
  const partitions = (await board.now()).fleet?.partitions ?? [];
  const last = partitions.at(-1)?.partition;
  return last === undefined || last + 1 !== partitions.length ? null : partitions.length;
}

function locationRow(
  location: string,
  { open }: KnownLocations,
  { doors, directory, partitions }: Parts & { readonly partitions: number | null },
): LocationRow {
  const found = open.get(location);
  const { state: shown, holders, concurrency, waiting } = blockOf(location, found, doors.types.concurrencyOf);
  return {
    location,
    partition: partitions === null ? null : directory.partitionOf(location, partitions),
    state: shown,
    holders,
    concurrency,
    waiting,
    paused: found?.paused ?? false,
    pauseReason: found?.pauseReason ?? null,
    pausedBy: found?.pausedBy ?? null,
    since: found?.since ?? null,
    waitingSince: found?.waitingSince ?? null,
    holder: found?.holder ?? null,
    code: found?.code ?? null,
    detail: found?.detail ?? null,
  };
}

interface Wanted {
  readonly states?: string | undefined;
  readonly waiting?: string | undefined;
  readonly partition?: number | undefined;
  readonly q?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly sort: (typeof SORTS)[number];
}

function filtered(
  known: KnownLocations,
  wanted: Wanted,
  rowOf: (location: string) => LocationRow,
): LocationRow[] {
  const states = wanted.states === undefined ? null : new Set(wanted.states.split(',') as BlockState[]);
  const part = wanted.q?.toLowerCase() ?? '';
  const fits = (location: string): boolean => {
    const open = known.open.get(location);
    if (part !== '' && !location.toLowerCase().includes(part)) return false;
    if (wanted.from !== undefined && location < wanted.from) return false;
    if (wanted.to !== undefined && location > wanted.to) return false;
    if (states !== null && !states.has(stateOf(open?.state ?? null, open?.paused ?? false))) return false;
    return wanted.waiting === undefined || wanted.waiting === String((open?.waiting ?? 0) > 0);
  };
  const rows = ordered(known, wanted.sort).filter(fits).map(rowOf);
  return wanted.partition === undefined
    ? rows
    : rows.filter(({ partition }) => partition === wanted.partition);
}

/** Only open ones differ in more than their name, so the quiet ones are never sorted. */
function ordered({ names, open }: KnownLocations, sort: Wanted['sort']): readonly string[] {
  if (sort === 'name') return names;
  const quiet = names.filter((location) => !open.has(location));
  const busy = [...open.values()];
  if (sort === 'harm')
    busy.sort((a, b) => harmOf(a) - harmOf(b) || b.waiting - a.waiting || byBytes(a.location, b.location));
  if (sort === 'waiting') busy.sort((a, b) => b.waiting - a.waiting || byBytes(a.location, b.location));
  if (sort === 'oldest') busy.sort((a, b) => byBytes(a.waitingSince ?? '~', b.waitingSince ?? '~'));
  return [...busy.map(({ location }) => location), ...quiet];
}

function harmOf({ state: worst, paused }: { state: Parameters<typeof stateOf>[0]; paused: boolean }): number {
  return BLOCK_STATES.indexOf(stateOf(worst, paused));
}
