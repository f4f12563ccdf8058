/** Routes about the fleet: outcomes over time, what happened to it, workers and partitions. */
import { z } from 'zod';
import type { ApiDoors } from './doors.ts';
import { count, limit, number, reason, time, wholeNumber } from './fields.ts';
import { Fresh } from './fresh.ts';
import { needEverywhere } from './identity.ts';
import { type Route, route } from './route.ts';
import { partitionSchema, workerSchema } from './routes-process.ts';
import type { StatusBoard } from './status-board.ts';
import { eventSchema } from './views.ts';

const MINUTE_MS = 60_000;
/** Range of the page and width of its spans: about a hundred points each. */
const RANGES = {
  '15m': { rangeMs: 15 * MINUTE_MS, spanMs: 10_000 },
  '1h': { rangeMs: 60 * MINUTE_MS, spanMs: 40_000 },
  '24h': { rangeMs: 24 * 60 * MINUTE_MS, spanMs: 15 * MINUTE_MS },
} as const;
type Range = keyof typeof RANGES;
const RANGE_NAMES = Object.keys(RANGES) as [Range, ...Range[]];
const SERIES_FRESH_MS = 900;
const EVENTS_MAX = 200;

export const seriesAnswer = z.object({
  asOf: time,
  spanMs: count,
  points: z.array(z.object({ at: time, completed: count, rolledBack: count, inDoubt: count })),
  p50Ms: z.nullable(z.number()),
  p99Ms: z.nullable(z.number()),
  events: z.array(eventSchema),
});

export const partitionsAnswer = z.object({
  asOf: z.nullable(time),
  partitions: z.array(partitionSchema),
  events: z.array(eventSchema),
});

export function fleetRoutes(doors: ApiDoors, board: StatusBoard): Route[] {
  return [seriesRoute(doors), workersRoute(board), partitionsRoute(doors, board), watermarkRoute(doors)];
}

function seriesRoute({ lists, world }: ApiDoors): Route {
  const fresh = Object.fromEntries(
    RANGE_NAMES.map((range) => [range, new Fresh(() => lists.series(RANGES[range]), world, SERIES_FRESH_MS)]),
  ) as Record<Range, Fresh<Awaited<ReturnType<typeof lists.series>>>>;
  return route({
    method: 'GET',
    path: '/v1/series',
    door: 'viewer',
    summary: 'Outcomes of the fleet over time, with what happened to it meanwhile',
    query: z.strictObject({
      range: z.enum(RANGE_NAMES, { error: `one of: ${RANGE_NAMES.join(', ')}` }).default('15m'),
      events: limit(EVENTS_MAX, 50),
    }),
    answer: seriesAnswer,
    handle: async ({ query }) => {
      const sinceMs = world.now() - RANGES[query.range].rangeMs;
      const [series, events] = await Promise.all([
        fresh[query.range].get(),
        lists.events({ sinceMs, limit: query.events }),
      ]);
      return { ...series, events };
    },
  });
}

function workersRoute(board: StatusBoard): Route {
  return route({
    method: 'GET',
    path: '/v1/workers',
    door: 'viewer',
    summary: 'Workers of the last day, as of their last heartbeat',
    answer: z.object({ asOf: z.nullable(time), workers: z.array(workerSchema) }),
    handle: async () => {
      const { fleet } = await board.now();
      return { asOf: fleet?.asOf ?? null, workers: fleet?.workers ?? [] };
    },
  });
}

function partitionsRoute(doors: ApiDoors, board: StatusBoard): Route {
  return route({
    method: 'GET',
    path: '/v1/partitions',
    door: 'viewer',
    summary: 'Partitions with owner, epoch, watermark and lag, and their hand-overs of the last day',
    answer: partitionsAnswer,
    handle: async () => {
      const sinceMs = doors.world.now() - RANGES['24h'].rangeMs;
      const [{ fleet }, events] = await Promise.all([
        board.now(),
        doors.lists.events({ sinceMs, limit: EVENTS_MAX }),
      ]);
      return { asOf: fleet?.asOf ?? null, partitions: fleet?.partitions ?? [], events };
    },
  });
}

function watermarkRoute({ operations }: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/partitions/:partition/watermark',
    door: 'admin',
    summary: 'Gives up records that the topic no longer holds: the partition goes on at the offset',
    params: z.object({ partition: wholeNumber(0, 100_000) }),
    body: z.strictObject({ offset: number.min(0, { error: 'an offset' }), reason }),
    errors: ['SB-6012'],
    answer: z.object({ partition: count, offset: count }),
    handle: async ({ params: { partition }, body: { offset, reason: why }, identity }) => {
      needEverywhere(identity);
      await operations.moveWatermark({ partition, offset, actor: identity.name, reason: why });
      return { partition, offset };
    },
  });
}
