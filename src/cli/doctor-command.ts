/**
 * `signalbox doctor`: looks at everything a worker needs, without changing anything. Exit code 0 when nothing
 * failed, 1 otherwise: made for deploy gates.
 */
import { CATALOGUE, type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';
import { show, type Terminal, table } from './terminal.ts';

export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly says: string;
  readonly code?: ErrorCode;
}

export interface Check {
  readonly name: string;
  /** May throw: a SignalboxError fails the check with its code. */
  run(): Promise<Finding>;
}

export interface DoctorRow extends Finding {
  readonly check: string;
  readonly remedy: string | null;
}

/** One check after the other; each takes at most this long, so that the whole never hangs. */
const CHECK_MS_MAX = 15_000;

export async function doctorCommand(checks: readonly Check[], terminal: Terminal): Promise<number> {
  const rows: DoctorRow[] = [];
  for (const check of checks) rows.push(await rowOf(check));
  const failed = rows.filter(({ status }) => status === 'fail').length;
  show(terminal, { ok: failed === 0, checks: rows }, () => linesOf(rows, failed));
  return failed === 0 ? 0 : 1;
}

async function rowOf(check: Check): Promise<DoctorRow> {
  const late = Promise.withResolvers<Finding>();
  const says = `no answer within ${CHECK_MS_MAX / 1000} s`;
  const timer = setTimeout(() => late.resolve({ status: 'fail', says }), CHECK_MS_MAX);
  const finding = await Promise.race([check.run().catch(failure), late.promise]);
  clearTimeout(timer);
  const { code } = finding;
  return { check: check.name, ...finding, remedy: code === undefined ? null : CATALOGUE[code].remedy };
}

function failure(error: unknown): Finding {
  if (!(error instanceof SignalboxError)) return { status: 'fail', says: String(error), code: 'SB-6005' };
  const { code, detail } = error;
  return { status: 'fail', says: `${CATALOGUE[code].cause}${detail === '' ? '' : ` ${detail}`}`, code };
}

function linesOf(rows: readonly DoctorRow[], failed: number): string[] {
  const lines = table(
    ['', 'check', 'found', 'code'],
    rows.map(({ status, check, says, code }) => [status, check, says, code ?? '']),
  );
  const remedies = rows.flatMap(({ status, check, remedy }) =>
    status === 'ok' || remedy === null ? [] : [`${check}: ${remedy}`],
  );
  const last = failed === 0 ? 'Nothing stands in the way.' : `${failed} of ${rows.length} checks failed.`;
  return [...lines, '', ...remedies, last];
}
