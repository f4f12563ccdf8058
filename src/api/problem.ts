/** Errors of the API as problem+json (RFC 9457), with the codes of the catalogue. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CATALOGUE, SignalboxError } from '../core/errors/catalogue.ts';

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string().regex(/^SB-\d{4}$/),
  remedy: z.string(),
});
type ProblemBody = z.output<typeof problemSchema>;

/** What one error says in lists of causes (/readyz, /v1/status). */
export const causeSchema = z.object({
  code: z.string(),
  cause: z.string(),
  detail: z.string(),
  remedy: z.string(),
});
export type Cause = z.output<typeof causeSchema>;

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
  const again = /^again in (\d+) s$/.exec(error.detail)?.[1];
  if (body.status === 429 && again !== undefined) reply.header('retry-after', again);
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
