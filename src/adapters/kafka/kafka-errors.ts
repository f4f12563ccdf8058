/**
 * The broker's error codes, and what the client throws, as facts the adapter decides on.
 *
 * E1 An answer of the broker is data, never an exception: `answerOf` gives it back, error codes and all. What still
 *    throws is a broken or refused connection, a time-out, or an answer that cannot be read.
 */
import { protocolErrorsCodesById, ResponseError } from '@platformatic/kafka';
import { SignalboxError } from '../../core/errors/catalogue.ts';

export const KAFKA = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  INVALID_SESSION_TIMEOUT: 26,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  SASL_AUTHENTICATION_FAILED: 58,
  MEMBER_ID_REQUIRED: 79,
  UNSTABLE_OFFSET_COMMIT: 88,
  UNKNOWN_TOPIC_ID: 100,
} as const;

/** The coordinator is elsewhere or not ready: find it again and ask there. */
export function isCoordinatorGone(code: number): boolean {
  return (
    code === KAFKA.COORDINATOR_LOAD_IN_PROGRESS ||
    code === KAFKA.COORDINATOR_NOT_AVAILABLE ||
    code === KAFKA.NOT_COORDINATOR
  );
}

export function isForbidden(code: number): boolean {
  return (
    code === KAFKA.TOPIC_AUTHORIZATION_FAILED ||
    code === KAFKA.GROUP_AUTHORIZATION_FAILED ||
    code === KAFKA.CLUSTER_AUTHORIZATION_FAILED
  );
}

export function codeName(code: number): string {
  return `${protocolErrorsCodesById[code] ?? 'UNKNOWN_CODE'} ${code}`;
}

/** The answer of a call, also when it holds error codes: the client throws those with the answer attached. */
export async function answerOf<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ResponseError) {
      const { response } = error as { readonly response?: T };
      if (response !== undefined && response !== null) return response;
    }
    throw error;
  }
}

/** An answer that says no, where the caller has nothing better to do than to try again. */
export class KafkaRefusal extends Error {
  readonly errorCode: number;
  constructor(what: string, errorCode: number) {
    super(`${what}: ${codeName(errorCode)}`);
    this.name = 'KafkaRefusal';
    this.errorCode = errorCode;
  }
}

/**
 * What a failed call means to a person: SB-3004, SB-3005 and SB-3007 are final; else SB-3017 when a broker answered and
 * SB-3001 when none did.
 */
export function problemOf(error: unknown, where: string): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const detail = `${where}: ${reasonOf(error)}`;
  for (const fact of chainOf(error)) {
    const code = codeOf(fact);
    if (isAuthentication(fact, code))
      return new SignalboxError('SB-3004', detail, { cause: error, final: true });
    if (isForbidden(code)) return new SignalboxError('SB-3005', detail, { cause: error, final: true });
    if (code === KAFKA.UNSUPPORTED_VERSION) {
      return new SignalboxError('SB-3007', detail, { cause: error, final: true });
    }
  }
  const answered = chainOf(error).some((fact) => codeOf(fact) !== KAFKA.NONE);
  return new SignalboxError(answered ? 'SB-3017' : 'SB-3001', detail, { cause: error });
}

function isAuthentication(error: object, code: number): boolean {
  return (
    (isNamed(error, 'PLT_KFK_AUTHENTICATION') && !chainOf(causeOf(error)).some(isBroken)) ||
    code === KAFKA.SASL_AUTHENTICATION_FAILED ||
    code === KAFKA.UNSUPPORTED_SASL_MECHANISM ||
    code === KAFKA.ILLEGAL_SASL_STATE
  );
}

/** The client calls it authentication too when the connection broke in the middle of it. */
function isBroken(error: object): boolean {
  return isNamed(error, 'PLT_KFK_NETWORK');
}

function isNamed(error: object, name: string): boolean {
  return 'code' in error && error.code === name;
}

function causeOf(error: object): unknown {
  return 'cause' in error ? error.cause : undefined;
}

function codeOf(error: object): number {
  if (error instanceof KafkaRefusal) return error.errorCode;
  return 'apiCode' in error && typeof error.apiCode === 'number' ? error.apiCode : KAFKA.NONE;
}

/** Errors of several brokers times causes of each: more only repeats itself. */
const CHAIN_MAX = 32;

/** An error and everything it wraps, outermost first. */
function chainOf(error: unknown): object[] {
  const chain: object[] = [];
  const queue: unknown[] = [error];
  while (queue.length > 0 && chain.length < CHAIN_MAX) {
    const next = queue.shift();
    if (typeof next !== 'object' || next === null) continue;
    chain.push(next);
    if ('errors' in next && Array.isArray(next.errors)) queue.push(...next.errors);
    if ('cause' in next) queue.push(next.cause);
  }
  return chain;
}

/** The innermost messages, each once: `connect ECONNREFUSED 127.0.0.1:9092`. */
export function reasonOf(error: unknown): string {
  const reasons = new Set<string>();
  for (const fact of chainOf(error)) {
    const wraps =
      ('errors' in fact && Array.isArray(fact.errors)) || ('cause' in fact && fact.cause !== undefined);
    if (!wraps && 'message' in fact && typeof fact.message === 'string')
      reasons.add(messageOf(fact.message, fact));
  }
  return reasons.size === 0 ? String(error) : [...reasons].join('; ').slice(0, 500);
}

function messageOf(message: string, error: object): string {
  if ('apiId' in error && typeof error.apiId === 'string') return error.apiId;
  return message === '' && 'code' in error ? String(error.code) : message;
}
