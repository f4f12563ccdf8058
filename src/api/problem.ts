/** Errors of the API as problem+json (RFC 9457), with the codes of the catalogue. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CATALOGUE, type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly remedy: string;
}

/** What one error says in lists of causes (/readyz, /v1/status). */
export interface Cause {
  readonly code: ErrorCode;
  readonly cause: string;
  readonly detail: string;
  readonly remedy: string;
}

function problemBody(error: SignalboxError, status: number = CATALOGUE[error.code].status): ProblemBody {
  return {
    type: `urn:signalbox:error:${error.code}`,
    title: CATALOGUE[error.code].cause,
    status,
    detail: error.detail,
    code: error.code,
    remedy: error.remedy,
  };
}

export function causeOf(error: SignalboxError): Cause {
  return {
    code: error.code,
    cause: CATALOGUE[error.code].cause,
    detail: error.detail,
    remedy: error.remedy,
  };
}

export async function sendProblem(
  reply: FastifyReply,
  error: SignalboxError,
  status?: number,
): Promise<void> {
  const body = problemBody(error, status);
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="signalbox"');
  await reply
    .code(body.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(body));
}

/**
 * Answers whatever a route or Fastify itself threw. What is not ours is an SB-6005: its text is for the log
 * (`onDefect`), not for the caller.
 */
export async function answerError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  onDefect: (error: SignalboxError) => void,
): Promise<void> {
  if (thrown instanceof SignalboxError) return await sendProblem(reply, thrown);
  const status = statusOf(thrown);
  if (status >= 400 && status < 500) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return await sendProblem(reply, new SignalboxError('SB-6002', detail), status);
  }
  onDefect(new SignalboxError('SB-6005', `request ${request.id}: ${String(thrown)}`, { cause: thrown }));
  return await sendProblem(reply, new SignalboxError('SB-6005', `request ${request.id}`));
}

function statusOf(thrown: unknown): number {
  const status =
    typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'statusCode') : undefined;
  return typeof status === 'number' ? status : 500;
}
