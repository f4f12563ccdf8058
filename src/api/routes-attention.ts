/** Routes about what needs attention: held and in doubt, and dead letters. */
import { z } from 'zod';
import { type ByteString, bytesOf } from '../core/byte-string.ts';
import type { StoredDeadLetter } from '../engine/ports-dead-letters.ts';
import type { ApiDoors } from './doors.ts';
import { count, errorCode, limit, name, reason, time, wholeNumber, yesOrNo } from './fields.ts';
import { counts, type Identity, needEverywhere, needLocation } from './identity.ts';
import type { LocationsDirectory } from './locations-directory.ts';
import { type Route, route } from './route.ts';
import { attentionOf, attentionSchema } from './views.ts';

const ROWS_MAX = 500;
/** A record value is at most that long; base64 makes it a third longer. */
const VALUE_LENGTH_MAX = 350_000;

const place = z.object({
  partition: wholeNumber(0, 100_000),
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER),
});

const letterSchema = z.object({
  partition: count,
  offset: count,
  code: z.string(),
  detail: z.string(),
  id: z.nullable(z.string()),
  location: z.nullable(z.string()),
  at: time,
  state: z.enum(['open', 'replaying', 'replayed', 'discarded']),
  replayedAs: z.nullable(z.string()),
});

export const wholeLetterSchema = letterSchema.extend({
  topic: z.string(),
  /** As text where it is UTF-8, always as base64. */
  key: z.nullable(z.string()),
  keyBase64: z.nullable(z.string()),
  value: z.nullable(z.string()),
  valueBase64: z.nullable(z.string()),
  headers: z.array(z.object({ name: z.string(), value: z.nullable(z.string()) })),
  recordAt: time,
  resolvedAt: z.nullable(time),
  resolvedBy: z.nullable(z.string()),
  resolvedReason: z.nullable(z.string()),
});

export const attentionAnswer = z.object({
  asOf: time,
  transactions: z.array(attentionSchema),
  paused: z.array(
    z.object({
      location: z.string(),
      waiting: count,
      reason: z.nullable(z.string()),
      actor: z.nullable(z.string()),
      waitingSince: z.nullable(time),
    }),
  ),
  deadLetters: z.array(
    z.object({
      code: z.string(),
      records: count,
      open: count,
      partitions: z.array(count),
      firstAt: time,
      lastAt: time,
    }),
  ),
});

export const deadLettersAnswer = z.object({ asOf: time, deadLetters: z.array(letterSchema) });

export function attentionRoutes(doors: ApiDoors, directory: LocationsDirectory): Route[] {
  return [
    attentionRoute(doors, directory),
    lettersRoute(doors),
    letterRoute(doors),
    replayRoute(doors),
    discardRoute(doors),
  ];
}

function attentionRoute({ lists, world, displayOf }: ApiDoors, directory: LocationsDirectory): Route {
  return route({
    method: 'GET',
    path: '/v1/attention',
    door: 'viewer',
    summary:
      'What needs attention, by harm: held and in doubt with what a person may do, pauses, dead letters by code',
    query: z.strictObject({ limit: limit(ROWS_MAX, 100) }),
    answer: attentionAnswer,
    handle: async ({ query, identity }) => {
      const [transactions, open, deadLetters] = await Promise.all([
        lists.attention(query.limit),
        directory.open(),
        lists.deadLetterCodes(),
      ]);
      const paused = [...open.values()].filter((each) => each.paused && counts(identity, each.location));
      return {
        asOf: new Date(world.now()).toISOString(),
        transactions: transactions
          .filter(({ location }) => counts(identity, location))
          .map((item) => attentionOf(item, displayOf))
          .sort(byHarm),
        paused: paused.slice(0, query.limit).map((each) => ({
          location: each.location,
          waiting: each.waiting,
          reason: each.pauseReason,
          actor: each.pausedBy,
          waitingSince: each.waitingSince,
        })),
        deadLetters,
      };
    },
  });
}

type Attention = ReturnType<typeof attentionOf>;
const HARM = ['held', 'in_doubt', 'reversing'];

/** The state, then how many wait behind it, then money, then age. */
function byHarm(a: Attention, b: Attention): number {
  return (
    HARM.indexOf(a.state) - HARM.indexOf(b.state) ||
    b.behind - a.behind ||
    (b.money?.amount ?? 0) - (a.money?.amount ?? 0) ||
    Date.parse(a.since) - Date.parse(b.since)
  );
}

function lettersRoute({ read, world }: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/dead-letters',
    door: 'viewer',
    summary: 'Records that could not become a transaction, newest first',
    query: z.strictObject({
      /** Only those that nobody has dealt with. */
      open: yesOrNo.default('false'),
      code: errorCode.optional(),
      limit: limit(1_000, 100),
    }),
    answer: deadLettersAnswer,
    handle: async ({ query, identity }) => ({
      asOf: new Date(world.now()).toISOString(),
      deadLetters: (
        await read.deadLetters({
          unresolved: query.open === 'true',
          code: query.code ?? null,
          limit: query.limit,
        })
      ).filter((letter) => maySee(identity, letter.location)),
    }),
  });
}

/** One without a readable location is everybody's who counts everywhere. */
function maySee(identity: Identity, location: string | null): boolean {
  return location === null ? identity.locations === null : counts(identity, location);
}

function needLetter(identity: Identity, { location }: { readonly location: string | null }): void {
  if (location === null) needEverywhere(identity);
  else needLocation(identity, location);
}

function letterRoute({ deadLetters }: ApiDoors): Route {
  return route({
    method: 'GET',
    path: '/v1/dead-letters/:partition/:offset',
    door: 'viewer',
    summary: 'One dead letter with its record, byte for byte',
    params: place,
    errors: ['SB-6001'],
    answer: wholeLetterSchema,
    handle: async ({ params, identity }) => {
      const letter = await deadLetters.find(params);
      needLetter(identity, letter);
      return letterOf(letter);
    },
  });
}

function replayRoute({ deadLetters }: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/dead-letters/:partition/:offset/replay',
    door: 'operator',
    summary:
      'Puts the record on the topic once more, as it is or mended; refused when it would be a dead letter again',
    params: place,
    body: z.strictObject({
      reason,
      /** Instead of the record's own. */
      key: name.optional(),
      value: z.string().max(VALUE_LENGTH_MAX).optional(),
    }),
    errors: ['SB-6001', 'SB-6010', 'SB-6011', 'SB-1106', 'SB-1114'],
    answer: z.object({ id: z.string() }),
    handle: async ({ params, body, identity }) => {
      const letter = await deadLetters.find(params);
      needLetter(identity, letter);
      if (body.key !== undefined) needLocation(identity, body.key);
      const id = await deadLetters.replay({
        ...params,
        actor: identity.name,
        reason: body.reason,
        ...(body.key === undefined ? {} : { key: body.key }),
        ...(body.value === undefined ? {} : { value: Buffer.from(body.value, 'utf8') }),
      });
      return { id };
    },
  });
}

function discardRoute({ deadLetters }: ApiDoors): Route {
  return route({
    method: 'POST',
    path: '/v1/dead-letters/:partition/:offset/discard',
    door: 'operator',
    summary: 'Closes a dead letter: it will not be executed. It is kept',
    params: place,
    body: z.strictObject({ reason }),
    errors: ['SB-6001', 'SB-6010'],
    answer: z.object({ partition: count, offset: count, state: z.literal('discarded') }),
    handle: async ({ params, body, identity }) => {
      needLetter(identity, await deadLetters.find(params));
      await deadLetters.discard({ ...params, actor: identity.name, reason: body.reason });
      return { ...params, state: 'discarded' as const };
    },
  });
}

function letterOf({ key, value, headers, ...letter }: StoredDeadLetter) {
  return {
    ...letter,
    key: textOf(key),
    keyBase64: base64Of(key),
    value: textOf(value),
    valueBase64: base64Of(value),
    headers: headers.map((header) => ({ name: header.name, value: header.value?.toString() ?? null })),
  };
}

function base64Of(bytes: ByteString | null): string | null {
  return bytes === null ? null : bytesOf(bytes).toString('base64');
}

function textOf(bytes: ByteString | null): string | null {
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(bytes));
  } catch {
    return null;
  }
}
