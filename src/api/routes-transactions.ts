/** Routes about transactions: submitted, listed, looked at, and decided about. */
import { z } from 'zod';
import { COMMAND_ACTIONS, needsSecondPerson } from '../core/commands.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { STATES, type State } from '../core/states.ts';
import type { CommandOutcome } from '../engine/ports-operate.ts';
import type { ApiDoors } from './doors.ts';
import { count, cursor, errorCode, limit, listOf, name, reason, state, time, typeName } from './fields.ts';
import { counts, needLocation } from './identity.ts';
import { type Route, route } from './route.ts';
import { submissionSchema, submit } from './submit.ts';
import { itemOf, itemSchema, transactionOf, transactionSchema } from './views.ts';

const DECISION_WAIT_MS_MAX = 5_000;
/** The owner looks for decisions every second. */
const DECISION_WAIT_MS = 2_500;
const POLL_MS = 100;
/** Evidence of a person: what fits a page. */
const EVIDENCE_BYTES_MAX = 16 * 1024;

const decisionSchema = z.strictObject({
  action: z.enum(COMMAND_ACTIONS, { error: `one of: ${COMMAND_ACTIONS.join(', ')}` }),
  reason,
  /** What the person saw: refused when it is another one by now. */
  seen: z.strictObject({ state, token: z.nullable(z.string()) }).optional(),
  /** Of the step, for `complete`. */
  evidence: z
    .record(z.string(), z.unknown(), { error: 'a JSON object' })
    .refine((evidence) => JSON.stringify(evidence).length <= EVIDENCE_BYTES_MAX, {
      error: `at most ${EVIDENCE_BYTES_MAX} characters of JSON`,
    })
    .optional(),
  /** How long the answer waits for the owner of the partition to carry it out. */
  waitMs: z
    .int({ error: `from 0 to ${DECISION_WAIT_MS_MAX} ms` })
    .min(0, { error: `from 0 to ${DECISION_WAIT_MS_MAX} ms` })
    .max(DECISION_WAIT_MS_MAX, { error: `from 0 to ${DECISION_WAIT_MS_MAX} ms` })
    .default(DECISION_WAIT_MS),
});

export const decidedSchema = z.object({
  sequence: count,
  location: z.string(),
  state,
  token: z.nullable(z.string()),
  ownerAlive: z.boolean(),
  /** `proposed`: a second person has to approve it. `waiting`: the owner has not taken it up yet. */
  outcome: z.enum(['proposed', 'waiting', 'applied', 'refused']),
  /** Of a refusal: the state and token that were there. */
  found: z.nullable(z.string()),
});

export const transactionsAnswer = z.object({
  asOf: time,
  transactions: z.array(itemSchema),
  cursor: z.nullable(z.string()),
  searchedTo: z.nullable(time),
});

export function transactionRoutes(doors: ApiDoors): Route[] {
  return [submitRoute(doors), listRoute(doors), oneRoute(doors), decideRoute(doors)];
}

function submitRoute(doors: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/transactions',
    door: 'operator',
    summary: 'Submits one transaction: produced to the topic, acknowledged by all replicas. Idempotent by id',
    status: 202,
    body: submissionSchema,
    rawBody: true,
    errors: ['SB-1106', 'SB-1107', 'SB-1110', 'SB-1112', 'SB-1113', 'SB-1114', 'SB-3001'],
    answer: z.object({ id: z.string(), location: z.string(), status: z.literal('accepted') }),
    handle: async ({ request, reply, identity }) => {
      const { traceparent } = request.headers;
      const trace = typeof traceparent === 'string' ? traceparent : null;
      if (!Buffer.isBuffer(request.body)) throw new SignalboxError('SB-6002', 'the body must be JSON');
      const { id, location } = await submit(request.body, trace, {
        ...doors,
        mayAt: (at) => needLocation(identity, at),
      });
      reply.header('location', `/v1/transactions/${id}`);
      return { id, location, status: 'accepted' as const };
    },
  });
}

function listRoute(doors: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/transactions',
    door: 'viewer',
    summary:
      'Transactions by what they are: those that hold a slot, then parked ones, then outcomes, the newest first. A page looks at a bounded number of outcomes; searchedTo says how far back it came',
    query: z.strictObject({
      states: listOf(STATES).optional(),
      location: name.optional(),
      type: typeName.optional(),
      code: errorCode.optional(),
      from: time.optional(),
      to: time.optional(),
      limit: limit(500, 50),
      cursor: cursor.optional(),
    }),
    answer: transactionsAnswer,
    handle: async ({ query, identity }) => {
      if (query.location !== undefined) needLocation(identity, query.location);
      const page = await doors.lists.transactions({
        states: (query.states?.split(',') ?? []) as State[],
        location: query.location ?? null,
        type: query.type ?? null,
        code: query.code ?? null,
        fromMs: query.from === undefined ? null : Date.parse(query.from),
        toMs: query.to === undefined ? null : Date.parse(query.to),
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      return {
        asOf: new Date(doors.world.now()).toISOString(),
        transactions: page.items
          .filter(({ location }) => counts(identity, location))
          .map((item) => itemOf(item, doors.displayOf)),
        cursor: page.cursor,
        searchedTo: page.searchedTo,
      };
    },
  });
}

function oneRoute(doors: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/transactions/:id',
    door: 'viewer',
    summary: 'One transaction with its history, and what a person may do about it',
    params: z.object({ id: name }),
    errors: ['SB-6001'],
    answer: transactionSchema,
    handle: async ({ params: { id }, identity }) => {
      const view = await doors.read.transaction(id);
      if (view === null) throw new SignalboxError('SB-6001', `transaction ${id}`);
      needLocation(identity, view.location);
      return transactionOf(view, doors.displayOf);
    },
  });
}

function decideRoute(doors: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/transactions/:id/decisions',
    door: 'operator',
    summary:
      'Decides about a transaction. The owner of its partition carries it out in the ledger, or refuses it when it is not as it was seen',
    params: z.object({ id: name }),
    body: decisionSchema,
    errors: ['SB-6007', 'SB-6008'],
    answer: decidedSchema,
    handle: async ({ params: { id }, body, identity }) => {
      const { action, reason: why, seen, evidence, waitMs } = body;
      const view = await doors.read.transaction(id);
      if (view === null) throw new SignalboxError('SB-6007', id);
      needLocation(identity, view.location);
      const needsApproval = doors.approvalMs !== null && needsSecondPerson(view.state);
      const proposed = await doors.operations.propose({
        id,
        action,
        actor: identity.name,
        reason: why,
        evidence: evidence === undefined ? null : JSON.stringify(evidence),
        ...(seen === undefined ? {} : { seen }),
        ...(needsApproval && doors.approvalMs !== null ? { approvalMs: doors.approvalMs } : {}),
      });
      if (needsApproval) return { ...proposed, outcome: 'proposed' as const, found: null };
      const outcome = await outcomeWithin(proposed.sequence, waitMs, doors);
      return {
        ...proposed,
        outcome: outcome.outcome,
        found: outcome.outcome === 'refused' ? outcome.found : null,
      };
    },
  });
}

async function outcomeWithin(
  sequence: number,
  waitMs: number,
  { operations, world }: Pick<ApiDoors, 'operations' | 'world'>,
): Promise<CommandOutcome> {
  const untilMs = world.monotonic() + waitMs;
  for (;;) {
    const found = await operations.outcome(sequence);
    if (found.outcome !== 'waiting' || world.monotonic() >= untilMs) return found;
    await new Promise<void>((resume) => world.after(POLL_MS, resume));
  }
}
