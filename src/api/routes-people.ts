/** Routes about what people set and did: limits, decisions and their approval, the audit. */
import { z } from 'zod';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { isPattern } from '../core/pattern.ts';
import { STATES } from '../core/states.ts';
import type { ApiDoors } from './doors.ts';
import { count, limit, name, pattern, reason, time, wholeNumber, yesOrNo } from './fields.ts';
import { counts, type Identity, needEverywhere, needLocation } from './identity.ts';
import { type Route, route } from './route.ts';
import { auditSchema } from './views.ts';

const ROWS_MAX = 500;
const CONCURRENCY_MAX = 1_000;

const limitSchema = z.object({
  location: z.string(),
  concurrency: z.nullable(count),
  paused: z.boolean(),
  reason: z.nullable(z.string()),
  actor: z.nullable(z.string()),
  changedAt: time,
});

const commandSchema = z.object({
  sequence: count,
  id: z.string(),
  location: z.string(),
  action: z.string(),
  expectedState: z.enum(STATES),
  expectedToken: z.nullable(z.string()),
  reason: z.string(),
  actor: z.string(),
  proposedAt: time,
  state: z.enum(['proposed', 'waiting', 'applied', 'refused', 'expired', 'withdrawn']),
  approvedBy: z.nullable(z.string()),
  expiresAt: z.nullable(time),
  decidedAt: z.nullable(time),
  found: z.nullable(z.string()),
  worker: z.nullable(z.string()),
});

export const limitsAnswer = z.object({ asOf: time, limits: z.array(limitSchema) });

export const commandsAnswer = z.object({ asOf: time, commands: z.array(commandSchema) });

export const auditAnswer = z.object({ asOf: time, audit: z.array(auditSchema) });

export function peopleRoutes(doors: ApiDoors): Route[] {
  return [
    limitsRoute(doors),
    setLimitRoute(doors),
    commandsRoute(doors),
    approveRoute(doors),
    auditRoute(doors),
    verifyRoute(doors),
  ];
}

function limitsRoute({ lists, world }: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/limits',
    door: 'viewer',
    summary: 'Locations and patterns that an operator has set, over what is configured',
    answer: limitsAnswer,
    handle: async ({ identity }) => ({
      asOf: new Date(world.now()).toISOString(),
      limits: (await lists.limits()).filter(({ location }) => maySet(identity, location)),
    }),
  });
}

function setLimitRoute({ operations }: ApiDoors): Route {
  return route({
    method: 'PUT',
    path: '/v1/limits/:location',
    door: 'operator',
    summary:
      'Sets concurrency or pause of a location, or of a pattern with * and ?. Workers follow within two seconds',
    params: z.object({ location: pattern }),
    body: z
      .strictObject({
        /** Null: as configured. */
        concurrency: z
          .nullable(
            z
              .int({ error: `from 1 to ${CONCURRENCY_MAX}, or null` })
              .min(1, { error: `from 1 to ${CONCURRENCY_MAX}, or null` })
              .max(CONCURRENCY_MAX, { error: `from 1 to ${CONCURRENCY_MAX}, or null` }),
          )
          .optional(),
        paused: z.boolean({ error: 'true or false' }).optional(),
        reason,
      })
      .refine((body) => body.concurrency !== undefined || body.paused !== undefined, {
        error: 'concurrency or paused',
      }),
    answer: z.object({ location: z.string() }),
    handle: async ({ params: { location }, body, identity }) => {
      if (!maySet(identity, location)) {
        if (isPattern(location)) needEverywhere(identity);
        needLocation(identity, location);
      }
      const { concurrency, paused } = body;
      await operations.setLimit({
        location,
        actor: identity.name,
        reason: body.reason,
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(paused === undefined ? {} : { paused }),
      });
      return { location };
    },
  });
}

/** A pattern may reach beyond one's own; only the very same one is known not to. */
function maySet(identity: Identity, location: string): boolean {
  if (!isPattern(location)) return counts(identity, location);
  return identity.locations === null || identity.locations.includes(location);
}

function commandsRoute({ lists, world }: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/commands',
    door: 'viewer',
    summary: 'Decisions of people, the newest first',
    query: z.strictObject({
      id: name.optional(),
      /** Only those not carried out or refused yet. */
      open: yesOrNo.default('false'),
      below: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      limit: limit(ROWS_MAX, 100),
    }),
    answer: commandsAnswer,
    handle: async ({ query, identity }) => ({
      asOf: new Date(world.now()).toISOString(),
      commands: (
        await lists.commands({
          id: query.id ?? null,
          open: query.open === 'true',
          below: query.below ?? null,
          limit: query.limit,
        })
      ).filter(({ location }) => counts(identity, location)),
    }),
  });
}

function approveRoute({ operations }: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/commands/:sequence/approve',
    door: 'operator',
    summary: 'Approves the decision of another person, where a second person is needed',
    params: z.object({ sequence: wholeNumber(1, Number.MAX_SAFE_INTEGER) }),
    body: z.strictObject({ reason }),
    errors: ['SB-6001', 'SB-6013'],
    answer: z.object({ sequence: count, approvedBy: z.string() }),
    handle: async ({ params: { sequence }, body, identity }) => {
      needLocation(identity, await operations.commandLocation(sequence));
      await operations.approve({ sequence, actor: identity.name, reason: body.reason });
      return { sequence, approvedBy: identity.name };
    },
  });
}

function auditRoute({ lists, world }: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/audit',
    door: 'viewer',
    summary: 'What people did, with actor, reason and time, the newest first',
    query: z.strictObject({
      target: z.string().max(200).optional(),
      actor: z.string().max(100).optional(),
      below: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      limit: limit(ROWS_MAX, 100),
    }),
    answer: auditAnswer,
    handle: async ({ query, identity }) => {
      needEverywhere(identity);
      const of = {
        target: query.target ?? null,
        actor: query.actor ?? null,
        below: query.below ?? null,
        limit: query.limit,
      };
      if ([of.target, of.actor].some((text) => text?.includes('\0')))
        throw new SignalboxError('SB-6002', 'target, actor: allowed is text without NUL');
      return { asOf: new Date(world.now()).toISOString(), audit: await lists.audit(of) };
    },
  });
}

function verifyRoute({ operations }: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/audit/verify',
    door: 'admin',
    summary: 'Computes the hash chain of the audit again, from its first row',
    answer: z.object({ rows: count, brokenAt: z.nullable(count) }),
    handle: async ({ identity }) => {
      needEverywhere(identity);
      return await operations.verifyAudit();
    },
  });
}
