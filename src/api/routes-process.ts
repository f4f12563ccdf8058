/** Routes for supervisors and about this process: health, readiness, metrics, status, the document of the API, errors. */
import { z } from 'zod';
import { CATALOGUE } from '../core/errors/catalogue.ts';
import type { ApiDoors } from './doors.ts';
import { codes, count, json, time } from './fields.ts';
import { openApi } from './openapi.ts';
import { causeOf, causeSchema } from './problem.ts';
import { type Route, route } from './route.ts';
import type { StatusBoard } from './status-board.ts';

const known = z.nullable(count);

export const workerSchema = z.object({
  worker: z.string(),
  version: z.string(),
  startedAt: time,
  heartbeatAt: time,
  alive: z.boolean(),
  draining: z.boolean(),
  partitions: z.array(count),
  waiting: count,
  parked: count,
  lanes: count,
  rssBytes: count,
});

export const partitionSchema = z.object({
  partition: count,
  owner: z.nullable(z.string()),
  epoch: count,
  watermark: known,
  published: count,
  lastNumber: count,
  lag: known,
});

/** Besides these fields what the demo adds. */
export const statusSchema = z.looseObject({
  topic: z.string(),
  group: z.string(),
  asOf: z.nullable(time),
  completed: known,
  rolledBack: known,
  deadLetters: known,
  duplicates: known,
  executing: known,
  inDoubt: known,
  reversing: known,
  held: known,
  parked: known,
  waiting: known,
  workers: z.array(workerSchema),
  partitions: z.array(partitionSchema),
  ledger: z.enum(['reachable', 'unreachable']),
  ledgerProblem: causeSchema.optional(),
  /** Since when the ledger cannot be reached. */
  since: z.nullable(time),
  time,
  process: z.looseObject({ name: z.string(), version: z.string() }),
});

const readySchema = z.object({
  ready: z.boolean(),
  draining: z.boolean(),
  problems: z.array(causeSchema),
});

export const errorsAnswer = z.object({
  errors: z.array(z.object({ code: z.string(), cause: z.string(), remedy: z.string(), status: count })),
});

export function processRoutes(doors: ApiDoors, board: StatusBoard, all: () => readonly Route[]): Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      door: 'health',
      summary: 'The process is alive',
      answer: z.object({ status: z.literal('ok'), version: z.string() }),
      handle: () => ({ status: 'ok' as const, version: doors.version }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      door: 'health',
      summary: 'The worker takes part; 503 with the causes while it does not',
      answer: readySchema,
      handle: async ({ reply }) => {
        const state = doors.worker === null ? await boardReadiness(board) : workerReadiness(doors.worker);
        reply.code(state.ready ? 200 : 503);
        return state;
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      door: 'open',
      summary: 'Metrics for Prometheus, as text',
      answer: z.string(),
      mediaType: 'text/plain',
      handle: async ({ reply }) => {
        reply.header('content-type', doors.metrics.contentType);
        return await doors.metrics.text();
      },
    }),
    route({
      method: 'GET',
      path: '/v1/status',
      door: 'open',
      summary:
        'The whole fleet. While the ledger is away: the last known counts, "ledger": "unreachable" and since when',
      answer: statusSchema,
      handle: async () => await statusOf(board, doors),
    }),
    route({
      method: 'GET',
      path: '/v1/openapi.json',
      door: 'open',
      summary: 'This document',
      answer: json,
      handle: () => openApi(doors.version, all()),
    }),
    route({
      method: 'GET',
      path: '/v1/errors',
      door: 'page',
      summary: 'The catalogue of errors',
      answer: errorsAnswer,
      handle: () => ({
        errors: codes.map((code) => {
          const { cause, remedy, status } = CATALOGUE[code];
          return { code, cause, remedy, status };
        }),
      }),
    }),
  ];
}

export async function statusOf(board: StatusBoard, doors: ApiDoors) {
  const { fleet, reachable, awaySinceMs, problem } = await board.now();
  const unknown = {
    topic: doors.topic,
    group: doors.group,
    asOf: null,
    ...NOTHING_KNOWN,
    workers: [],
    partitions: [],
  };
  return {
    ...(fleet ?? unknown),
    ledger: reachable ? ('reachable' as const) : ('unreachable' as const),
    ...(problem === null ? {} : { ledgerProblem: causeOf(problem) }),
    since: awaySinceMs === null ? null : new Date(awaySinceMs).toISOString(),
    time: new Date(doors.world.now()).toISOString(),
    process: processOf(doors),
    ...doors.more(),
  };
}

const NOTHING_KNOWN = {
  completed: null,
  rolledBack: null,
  deadLetters: null,
  duplicates: null,
  executing: null,
  inDoubt: null,
  reversing: null,
  held: null,
  parked: null,
  waiting: null,
} as const;

/** What this process knows itself, with or without the ledger. */
function processOf({ worker, name, version }: ApiDoors) {
  if (worker === null) return { name, version, worker: null };
  const { ready, problems } = worker.health();
  return { name, version, ready, problems: problems.map(causeOf), worker: worker.snapshot() };
}

function workerReadiness(worker: NonNullable<ApiDoors['worker']>) {
  const { ready, problems } = worker.health();
  const { draining } = worker.snapshot();
  return { ready: ready && !draining, draining, problems: problems.map(causeOf) };
}

async function boardReadiness(board: StatusBoard) {
  const { reachable, problem } = await board.now();
  return { ready: reachable, draining: false, problems: problem === null ? [] : [causeOf(problem)] };
}
