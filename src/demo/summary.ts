/** The demo's live summary as text: a block for a terminal, one line for a log. */
import type { FleetStatus } from '../engine/ports-read.ts';
import type { ProofView } from './proof.ts';

export interface SummaryState {
  /** Last known; null before the first answer of the ledger. */
  readonly fleet: FleetStatus | null;
  readonly ledgerReachable: boolean;
  /** Outcomes a second over the last ten seconds. */
  readonly rate: number | null;
  readonly proof: ProofView;
  readonly url: string;
  /** Why no traffic is produced; null while it is. */
  readonly heldBack: string | null;
}

export function summaryBlock(state: SummaryState, columns: number): string[] {
  const { fleet, proof, url } = state;
  if (fleet === null) return ['  waiting for the first answer of the ledger …'];
  const lag = fleet.partitions.reduce((sum, each) => sum + (each.lag ?? 0), 0);
  const alive = fleet.workers.filter((worker) => worker.alive);
  const lines = [
    `${bold(rateText(state.rate))} transactions/s   completed ${bold(count(fleet.completed))}   rolled back ${bold(count(fleet.rolledBack))}   in doubt ${signal(fleet.inDoubt, 33)}   held ${signal(fleet.held, 31)}`,
    `executing ${count(fleet.executing)}   waiting ${count(fleet.waiting)}   lag ${count(lag)}   time to outcome p50 ${time(proof.p50Ms)}, p99 ${time(proof.p99Ms)}`,
    `must stay 0:   overlaps ${zero(proof.overlaps)}   lost ${zero(proof.lost)}   double effects ${zero(proof.doubled)}   ${dim(`checked ${count(proof.checkedRecords)} records, ${count(proof.checkedEffects)} effects`)}`,
    `workers ${alive.map((worker) => `${worker.worker} [${worker.partitions.join(' ')}]${worker.draining ? ' draining' : ''}`).join('   ') || 'none alive'}`,
    `${dim('status page')} ${url}   ${dim(`as of ${fleet.asOf.slice(11, 19)} UTC`)}${state.ledgerReachable ? '' : `   ${red('STALE: the ledger cannot be reached')}`}`,
    ...(state.heldBack === null ? [] : [`traffic held back: ${state.heldBack}`]),
  ];
  return lines.map((line) => `  ${cut(line, columns - 3)}`);
}

export function summaryLine(state: SummaryState): string {
  const { fleet, proof } = state;
  if (fleet === null) return 'waiting for the first answer of the ledger';
  return [
    fleet.asOf.slice(11, 19),
    `${rateText(state.rate)}/s`,
    `completed ${count(fleet.completed)}`,
    `rolled back ${count(fleet.rolledBack)}`,
    `in doubt ${count(fleet.inDoubt)}`,
    `waiting ${count(fleet.waiting)}`,
    `p50 ${time(proof.p50Ms)} p99 ${time(proof.p99Ms)}`,
    `overlaps ${plainZero(proof.overlaps)} lost ${plainZero(proof.lost)} double effects ${plainZero(proof.doubled)}`,
    ...(state.ledgerReachable ? [] : ['STALE: the ledger cannot be reached']),
    ...(state.heldBack === null ? [] : [`traffic held back: ${state.heldBack}`]),
  ].join('  ');
}

const ESCAPE = '\x1b';

const rateText = (rate: number | null) => (rate === null ? '–' : rate.toFixed(1));
const count = (value: number) => value.toLocaleString('en-US');
const time = (ms: number | null) => (ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`);
const paint = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;
const bold = paint(1);
const dim = paint(2);
const red = paint(31);
const green = paint(32);

function signal(value: number, colour: number): string {
  return value === 0 ? '0' : paint(colour)(count(value));
}

function zero(value: number | null): string {
  if (value === null) return dim('nothing checked');
  return value === 0 ? green('0') : paint(41)(` ${count(value)} `);
}

function plainZero(value: number | null): string {
  return value === null ? '(nothing checked)' : count(value);
}

/** Cuts a line with colour codes to a width, so that redrawing counts its rows right. */
export function cut(line: string, width: number): string {
  const [first = '', ...coloured] = line.split(ESCAPE);
  let result = first.slice(0, width);
  let room = width - result.length;
  for (const part of coloured) {
    const end = part.indexOf('m') + 1;
    const text = part.slice(end, end + room);
    room -= text.length;
    result += `${ESCAPE}${part.slice(0, end)}${text}`;
  }
  return result;
}
