/**
 * Reads a step request of the participant contract out of HTTP, strictly: what breaks the contract is answered
 * 400 and changes nothing.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { CallKind, JsonObject } from '../core/answer.ts';
import type { Ask } from './register.ts';

export interface StepRequest extends Ask {
  readonly type: string;
  readonly data: JsonObject;
  /** Unix time in ms; null when it was not given. */
  readonly notAfterMs: number | null;
}

/** A request that breaks the contract; `detail` goes into the problem+json answer. */
export class BadRequest extends Error {}

const PATH = /^\/v1\/steps\/([^/?]+)\/(execute|status|reverse)$/;
const KEY = /^[A-Za-z0-9._~-]{1,128}:[A-Za-z0-9._~-]{1,64}$/;
const LOCATION = /^[A-Za-z0-9._~-]{1,128}$/;
const TOKEN_MAX = 2n ** 63n - 1n;

/** Null when the path is not that of a step. */
export function stepPath(url: string): { readonly key: string; readonly kind: CallKind } | null {
  const [, raw, kind] = PATH.exec(url) ?? [];
  if (raw === undefined || kind === undefined) return null;
  return { key: raw.replace(/%3A/i, ':'), kind: kind as CallKind };
}

/** Throws BadRequest. */
export function readRequest(
  path: { readonly key: string; readonly kind: CallKind },
  headers: IncomingHttpHeaders,
  body: Buffer,
): StepRequest {
  const { key, kind } = path;
  const location = header(headers, 'signalbox-location');
  const slot = header(headers, 'signalbox-slot');
  const token = header(headers, 'signalbox-token');
  must(KEY.test(key), 'the key is not <transaction id>:<step name>');
  must(header(headers, 'idempotency-key') === key, 'Idempotency-Key is not the key of the path');
  must(LOCATION.test(location), 'Signalbox-Location is not a location');
  must(/^[1-9][0-9]{0,8}$/.test(slot), 'Signalbox-Slot is not an integer from 1');
  must(/^[0-9]{1,19}$/.test(token) && BigInt(token) <= TOKEN_MAX, 'Signalbox-Token is not below 2^63');
  const content = readBody(body);
  const { type, step, transaction, data } = content;
  must(content.location === location, 'location is not that of the header');
  must(`${transaction}:${step}` === key, 'transaction and step are not those of the key');
  must(typeof type === 'string', 'type is not a text');
  must(isObject(data) && isObject(content.evidence), 'data and evidence must be objects');
  return {
    kind,
    key,
    location,
    slot: Number(slot),
    token: BigInt(token),
    type,
    data,
    notAfterMs: kind === 'execute' ? notAfterOf(headers) : null,
  };
}

function readBody(body: Buffer): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(body.toString());
    if (isObject(content)) return content;
  } catch {
    // Answered below: both are the same to the caller.
  }
  throw new BadRequest('the body is not a JSON object');
}

function notAfterOf(headers: IncomingHttpHeaders): number | null {
  const text = headers['signalbox-not-after'];
  if (text === undefined) return null;
  const ms = Date.parse(String(text));
  must(
    !Number.isNaN(ms) && /^\d{4}-\d\d-\d\dT.*Z$/.test(String(text)),
    'Signalbox-Not-After is not RFC 3339 in UTC',
  );
  return ms;
}

function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (typeof value !== 'string') throw new BadRequest(`the header ${name} is missing`);
  return value;
}

function must(fact: boolean, detail: string): asserts fact {
  if (!fact) throw new BadRequest(detail);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
