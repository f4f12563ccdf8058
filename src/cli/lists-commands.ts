/** Commands that list what the page lists: the fleet, transactions, limits, decisions, the audit. */
import type { CommandRow, Lists, TransactionFilter } from '../engine/ports-lists.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import { type Cell, clock, duration, fields, show, type Terminal, table } from './terminal.ts';

const BYTES_PER_MB = 1_000_000;

/** Exit code 1 when no worker is alive: for whoever watches from a script. */
export async function statusCommand(
  read: Pick<ReadModel, 'status'>,
  terminal: Terminal,
  nowMs: number,
): Promise<number> {
  const fleet = await read.status();
  const alive = fleet.workers.filter((each) => each.alive).length;
  show(terminal, fleet, () => [
    ...fields([
      ['topic', `${fleet.topic}, group ${fleet.group}`],
      ['as of', clock(fleet.asOf)],
      ['needs a person', fleet.held],
      ['in doubt', fleet.inDoubt],
      ['executing', fleet.executing],
      ['reversing', fleet.reversing],
      ['waiting', `${fleet.waiting.toLocaleString('en-US')}, ${fleet.parked.toLocaleString('en-US')} parked`],
      ['completed', fleet.completed.toLocaleString('en-US')],
      ['rolled back', fleet.rolledBack.toLocaleString('en-US')],
      ['dead letters', fleet.deadLetters.toLocaleString('en-US')],
      ['workers', `${alive} alive of ${fleet.workers.length}`],
    ]),
    '',
    ...table(
      ['worker', 'version', 'heartbeat', 'partitions', 'lanes', 'waiting', 'MB'],
      fleet.workers.map((each): Cell[] => [
        each.worker,
        each.version,
        each.alive
          ? `${duration(nowMs - Date.parse(each.heartbeatAt))} ago${each.draining ? ', draining' : ''}`
          : 'lost',
        each.partitions.join(' '),
        each.lanes,
        each.waiting,
        Math.round(each.rssBytes / BYTES_PER_MB),
      ]),
    ),
    '',
    ...table(
      ['partition', 'owner', 'epoch', 'watermark', 'lag', 'results', 'published'],
      fleet.partitions.map((each): Cell[] => [
        each.partition,
        each.owner,
        each.epoch,
        each.watermark,
        each.lag,
        each.lastNumber,
        each.published,
      ]),
    ),
  ]);
  return alive === 0 ? 1 : 0;
}

/** Throws SB-6002 for a cursor of another search. */
export async function transactionsCommand(
  filter: TransactionFilter,
  lists: Pick<Lists, 'transactions'>,
  terminal: Terminal,
): Promise<number> {
  const page = await lists.transactions(filter);
  show(terminal, page, () => [
    ...(page.items.length === 0
      ? ['no transaction on this page']
      : table(
          ['transaction', 'location', 'type', 'state', 'code', 'partition', 'offset', 'changed'],
          page.items.map((each): Cell[] => [
            each.id,
            each.location,
            each.type,
            each.state.replace('_', ' '),
            each.code,
            each.partition,
            each.offset,
            clock(each.changedAt),
          ]),
        )),
    ...(page.searchedTo === null ? [] : [`outcomes were searched back to ${clock(page.searchedTo)}`]),
    ...(page.cursor === null ? [] : [`more: --cursor ${page.cursor}`]),
  ]);
  return 0;
}

export async function limitsCommand(lists: Pick<Lists, 'limits'>, terminal: Terminal): Promise<number> {
  const limits = await lists.limits();
  show(terminal, limits, () =>
    limits.length === 0
      ? ['no limit is set by an operator: all are as configured']
      : table(
          ['location', 'limit', 'paused', 'by', 'reason', 'since'],
          limits.map((each): Cell[] => [
            each.location,
            each.concurrency === null ? 'as configured' : `${each.concurrency}`,
            each.paused ? 'paused' : 'no',
            each.actor,
            each.reason,
            clock(each.changedAt),
          ]),
        ),
  );
  return 0;
}

export async function commandsCommand(
  { open, limit }: { readonly open: boolean; readonly limit: number },
  lists: Pick<Lists, 'commands'>,
  terminal: Terminal,
): Promise<number> {
  const rows = await lists.commands({ id: null, open, below: null, limit });
  show(terminal, rows, () =>
    rows.length === 0
      ? [open ? 'no decision is open' : 'nobody has decided anything']
      : table(
          ['command', 'transaction', 'location', 'decision', 'state', 'by', 'reason', 'proposed'],
          rows.map((each): Cell[] => [
            `${each.sequence}`,
            each.id,
            each.location,
            each.action.replace('_', ' '),
            stateOf(each),
            each.approvedBy === null ? each.actor : `${each.actor}, ${each.approvedBy}`,
            each.reason,
            clock(each.proposedAt),
          ]),
        ),
  );
  return 0;
}

function stateOf({ state, found, expiresAt }: CommandRow): string {
  if (state === 'proposed') return `needs a second person until ${clock(expiresAt)}`;
  return state === 'refused' && found !== null ? `refused: it was ${found}` : state;
}

export interface AuditFilter {
  readonly target: string | null;
  readonly actor: string | null;
  readonly limit: number;
}

export async function auditListCommand(
  filter: AuditFilter,
  lists: Pick<Lists, 'audit'>,
  terminal: Terminal,
): Promise<number> {
  const rows = await lists.audit({ ...filter, below: null });
  show(terminal, rows, () =>
    rows.length === 0
      ? ['the audit has no such row']
      : table(
          ['row', 'time', 'actor', 'action', 'target', 'reason', 'detail'],
          rows.map((each): Cell[] => [
            `${each.sequence}`,
            clock(each.at),
            each.actor,
            each.action,
            each.target,
            each.reason,
            each.detail,
          ]),
        ),
  );
  return 0;
}
