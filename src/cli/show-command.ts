/** `signalbox show <id>`: one transaction, what happened to it, and its result. */
import { CATALOGUE, SignalboxError } from '../core/errors/catalogue.ts';
import type { ReadModel, TransactionView, TransitionView } from '../engine/ports-read.ts';
import { type Cell, clock, duration, fields, show, type Terminal, table } from './terminal.ts';

/** Throws SB-6001 for an id the ledger does not hold. */
export async function showCommand(
  id: string,
  read: Pick<ReadModel, 'transaction'>,
  terminal: Terminal,
): Promise<number> {
  const view = await read.transaction(id);
  if (view === null) {
    throw new SignalboxError('SB-6001', `transaction ${id}: unknown, or still waiting on the topic`);
  }
  show(terminal, view, () => [...fields(entriesOf(view)), ...historyOf(view.history)]);
  return 0;
}

function entriesOf(view: TransactionView): [string, Cell][] {
  const { code, result } = view;
  const took =
    view.beganAt && view.finishedAt ? Date.parse(view.finishedAt) - Date.parse(view.beganAt) : null;
  return [
    ['id', view.id],
    ['state', view.state.replace('_', ' ')],
    ['location', view.slot === null ? view.location : `${view.location}, slot ${view.slot}`],
    ['type', `${view.type}, plan ${view.plan}, step ${view.step + 1}`],
    ['record', `${view.topic}/${view.partition}/${view.offset}, ${clock(view.recordAt)}`],
    ['replay of', view.replayOf && `dead letter ${view.replayOf}`],
    ['parked', clock(view.parkedAt)],
    ['began', clock(view.beganAt)],
    [
      'finished',
      view.finishedAt && `${clock(view.finishedAt)}${took === null ? '' : `, after ${duration(took)}`}`,
    ],
    ['deadline', view.finishedAt === null ? clock(view.deadline) : null],
    ['next attempt', clock(view.nextAttemptAt)],
    [
      'attempts',
      view.takeovers === 0 ? view.attempts : `${view.attempts}, ${view.takeovers} ended by a take-over`,
    ],
    ['token', view.token],
    ['reason', view.reason],
    [
      'last error',
      code === null ? null : `${code} ${CATALOGUE[code].cause}${view.detail ? ` (${view.detail})` : ''}`,
    ],
    ['payload', JSON.stringify(view.payload)],
    ['evidence', view.evidence === null ? null : JSON.stringify(view.evidence)],
    [
      'result',
      result &&
        `number ${result.number} of partition ${result.partition}, ${result.published ? 'published' : 'not yet acknowledged'}`,
    ],
  ];
}

function historyOf(history: readonly TransitionView[]): string[] {
  if (history.length === 0) return ['history  nothing but the plain begin and finish'];
  const header = ['', 'time', 'event', 'from', 'to', 'call', 'token', 'code', 'worker', 'epoch'];
  const rows = history.map((each, index): Cell[] => [
    `${index + 1}`,
    each.at.slice(11, 23),
    each.event,
    each.from,
    each.to,
    each.call,
    each.token,
    each.code,
    each.worker,
    `${each.epoch}`,
  ]);
  return ['', 'history', ...table(header, rows).map((line) => `  ${line}`)];
}
