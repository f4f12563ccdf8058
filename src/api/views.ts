/**
 * What the API answers about transactions and locations, as schemas; from the ports' views, with amounts read out and
 * redacted fields hidden.
 */
import { z } from 'zod';
import type { JsonValue } from '../core/answer.ts';
import { type Display, labelOf, moneyOf, redact } from '../core/display.ts';
import type { AttentionItem, SpanOfTransaction, TransactionItem } from '../engine/ports-lists.ts';
import type { TransactionView } from '../engine/ports-read.ts';
import { actsOf } from './acts.ts';
import { count, json, number, state, time } from './fields.ts';
import { BLOCK_STATES } from './lines.ts';

// ---------------------------------------------------------------------------------------------- transactions

const money = z.nullable(z.object({ amount: number, currency: z.string() }));

export const itemSchema = z.object({
  id: z.string(),
  partition: count,
  offset: count,
  location: z.string(),
  slot: z.nullable(count),
  state,
  type: z.string(),
  step: z.string(),
  attempts: count,
  token: z.nullable(z.string()),
  code: z.nullable(z.string()),
  detail: z.nullable(z.string()),
  reason: z.nullable(z.string()),
  money,
  label: z.nullable(z.string()),
  recordAt: time,
  parkedAt: z.nullable(time),
  beganAt: z.nullable(time),
  changedAt: time,
  finishedAt: z.nullable(time),
  deadline: z.nullable(time),
  nextAttemptAt: z.nullable(time),
});
export type Item = z.output<typeof itemSchema>;

export type DisplayOf = (type: string) => Display;

export function itemOf({ payload, ...item }: TransactionItem, displayOf: DisplayOf): Item {
  const display = displayOf(item.type);
  return { ...item, money: moneyOf(payload, display), label: labelOf(payload, display) };
}

const transitionSchema = z.object({
  at: time,
  event: z.string(),
  from: state,
  to: state,
  step: count,
  call: z.nullable(z.string()),
  token: z.nullable(z.string()),
  startedAt: z.nullable(time),
  answeredAt: z.nullable(time),
  code: z.nullable(z.string()),
  detail: z.nullable(z.string()),
  worker: z.string(),
  epoch: count,
});

export const spanSchema = itemSchema.extend({ history: z.array(transitionSchema) });

export function spanOf({ history, ...item }: SpanOfTransaction, displayOf: DisplayOf) {
  return { ...itemOf(item, displayOf), history };
}

export const actSchema = z.object({
  action: z.string(),
  consequence: z.string(),
  not: z.nullable(z.string()),
});

export const attentionSchema = itemSchema.extend({
  since: time,
  behind: count,
  acts: z.array(actSchema),
});

export function attentionOf({ since, behind, ...item }: AttentionItem, displayOf: DisplayOf) {
  return { ...itemOf(item, displayOf), since, behind, acts: actsOf(item.state) };
}

export const transactionSchema = z.object({
  id: z.string(),
  topic: z.string(),
  partition: count,
  offset: count,
  location: z.string(),
  slot: z.nullable(count),
  state,
  type: z.string(),
  plan: z.string(),
  step: count,
  token: z.nullable(z.string()),
  attempts: count,
  takeovers: count,
  code: z.nullable(z.string()),
  detail: z.nullable(z.string()),
  reason: z.nullable(z.string()),
  payload: json,
  evidence: json,
  /** Fields of payload and evidence that are hidden by rule. */
  redactedFields: count,
  money,
  label: z.nullable(z.string()),
  recordAt: time,
  parkedAt: z.nullable(time),
  beganAt: z.nullable(time),
  changedAt: time,
  finishedAt: z.nullable(time),
  notAfter: z.nullable(time),
  deadline: z.nullable(time),
  nextAttemptAt: z.nullable(time),
  replayOf: z.nullable(z.string()),
  result: z.nullable(z.object({ partition: count, number: count, published: z.boolean() })),
  history: z.array(transitionSchema),
  acts: z.array(actSchema),
});

export function transactionOf(view: TransactionView, displayOf: DisplayOf) {
  const display = displayOf(view.type);
  const payload = redact(view.payload, 'data', display);
  const evidence = redact(view.evidence, 'evidence', display);
  return {
    ...view,
    money: moneyOf(view.payload, display),
    label: labelOf(view.payload, display),
    payload: payload.value as JsonValue,
    evidence: evidence.value as JsonValue,
    redactedFields: payload.fields + evidence.fields,
    acts: actsOf(view.state),
  };
}

// ---------------------------------------------------------------------------------------------- locations

export const blockState = z.enum(BLOCK_STATES);

export const locationSchema = z.object({
  location: z.string(),
  partition: z.nullable(count),
  state: blockState,
  holders: count,
  concurrency: count,
  paused: z.boolean(),
  pauseReason: z.nullable(z.string()),
  pausedBy: z.nullable(z.string()),
  waiting: count,
  since: z.nullable(time),
  waitingSince: z.nullable(time),
  holder: z.nullable(z.string()),
  code: z.nullable(z.string()),
  detail: z.nullable(z.string()),
});
export type LocationRow = z.output<typeof locationSchema>;

export const eventSchema = z.object({
  at: time,
  kind: z.enum(['worker_started', 'worker_draining', 'hand_over']),
  worker: z.string(),
  version: z.nullable(z.string()),
  partition: z.nullable(count),
  epoch: z.nullable(count),
  fromWorker: z.nullable(z.string()),
  lost: z.boolean(),
  gapMs: z.nullable(count),
});

export const auditSchema = z.object({
  sequence: count,
  at: time,
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  reason: z.string(),
  detail: z.string(),
});
