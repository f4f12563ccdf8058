/** Commands of people: limits of locations, decisions about transactions, what needs attention, the audit. */
import { type CommandAction, needsSecondPerson } from '../core/commands.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { World } from '../engine/ports.ts';
import type {
  Approval,
  CommandOutcome,
  LimitChange,
  Operations,
  Proposal,
  WatermarkMove,
} from '../engine/ports-operate.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import { type Cell, clock, duration, show, type Terminal, table } from './terminal.ts';

/** The owner looks for decisions every second. */
const POLL_MS = 200;

export async function limitCommand(
  change: LimitChange,
  operations: Pick<Operations, 'setLimit'>,
  terminal: Terminal,
): Promise<number> {
  await operations.setLimit(change);
  const { location, concurrency, paused } = change;
  const what = [
    ...(concurrency === undefined ? [] : [`concurrency ${concurrency ?? 'as configured'}`]),
    ...(paused === undefined ? [] : [paused ? 'paused' : 'resumed']),
  ];
  show(terminal, change, () => [`${location}: ${what.join(', ')}; workers follow within two seconds`]);
  return 0;
}

export async function moveWatermarkCommand(
  move: WatermarkMove,
  operations: Pick<Operations, 'moveWatermark'>,
  terminal: Terminal,
): Promise<number> {
  await operations.moveWatermark(move);
  const { partition, offset } = move;
  show(terminal, move, () => [
    `partition ${partition} goes on at ${offset} when a worker next takes it over: restart the one that stopped it`,
  ]);
  return 0;
}

export interface Deciding {
  readonly operations: Pick<Operations, 'propose' | 'outcome'>;
  readonly read: Pick<ReadModel, 'transaction'>;
  readonly world: World;
  readonly waitMs: number;
  /** A second person approves within this time what was held; null: nobody has to. */
  readonly approvalMs: number | null;
}

/** 0 applied, 1 refused, 2 still waiting: for the owner of the partition, or for a second person. */
export async function decideCommand(
  proposal: Proposal,
  { operations, read, world, waitMs, approvalMs }: Deciding,
  terminal: Terminal,
): Promise<number> {
  const view = approvalMs === null ? null : await read.transaction(proposal.id);
  const second =
    approvalMs !== null && view !== null && needsSecondPerson(view.state) ? { approvalMs } : null;
  const proposed = await operations.propose({ ...proposal, ...second });
  const { sequence, location, state, ownerAlive } = proposed;
  if (second !== null) {
    show(terminal, { ...proposed, outcome: 'proposed' }, () => [
      `command ${sequence}: ${proposal.action} of ${proposal.id} at ${location}, ${state}`,
      `a second person has to approve it within ${duration(second.approvalMs)}: signalbox approve ${sequence}`,
    ]);
    return 2;
  }
  if (!terminal.json)
    terminal.out(`command ${sequence}: ${proposal.action} of ${proposal.id} at ${location}, ${state}`);
  const found = await outcomeWithin(sequence, { operations, world, waitMs });
  show(terminal, { ...proposed, ...found }, () => [textOf(found, ownerAlive)]);
  return { applied: 0, refused: 1, waiting: 2 }[found.outcome];
}

/** Throws SB-6001, and SB-6013 when it cannot be approved, or not by this person. */
export async function approveCommand(
  approval: Approval,
  operations: Pick<Operations, 'approve'>,
  terminal: Terminal,
): Promise<number> {
  await operations.approve(approval);
  const { sequence, actor } = approval;
  show(terminal, { sequence, approvedBy: actor }, () => [
    `command ${sequence} is approved; the owner of the partition carries it out`,
  ]);
  return 0;
}

async function outcomeWithin(
  sequence: number,
  { operations, world, waitMs }: Pick<Deciding, 'operations' | 'world' | 'waitMs'>,
): Promise<CommandOutcome> {
  const untilMs = world.monotonic() + waitMs;
  for (;;) {
    const found = await operations.outcome(sequence);
    if (found.outcome !== 'waiting' || world.monotonic() >= untilMs) return found;
    await new Promise<void>((resume) => setTimeout(resume, POLL_MS));
  }
}

function textOf(found: CommandOutcome, ownerAlive: boolean): string {
  switch (found.outcome) {
    case 'applied':
      return 'applied';
    case 'refused':
      return `refused: it is ${found.found}`;
    case 'waiting':
      return ownerAlive
        ? 'waiting: its worker has not taken it up yet'
        : 'waiting: the partition has no owner; it is applied when a worker takes it over';
  }
}

export async function attentionCommand(
  limit: number,
  operations: Pick<Operations, 'attention'>,
  terminal: Terminal,
): Promise<number> {
  const list = await operations.attention(limit);
  show(terminal, list, () =>
    list.length === 0
      ? ['nothing needs attention']
      : table(
          ['transaction', 'location', 'state', 'since', 'attempts', 'code', 'detail'],
          list.map((row): Cell[] => [
            row.id,
            row.location,
            row.state.replace('_', ' '),
            clock(row.since),
            row.attempts,
            row.code,
            row.detail,
          ]),
        ),
  );
  return 0;
}

/** Throws SB-6009 when the chain is broken. */
export async function auditVerifyCommand(
  operations: Pick<Operations, 'verifyAudit'>,
  terminal: Terminal,
): Promise<number> {
  const { rows, brokenAt } = await operations.verifyAudit();
  if (brokenAt !== null) throw new SignalboxError('SB-6009', `row ${brokenAt}, after ${rows} good ones`);
  show(terminal, { rows, brokenAt }, () => [`audit: ${rows} rows, each fits the one before`]);
  return 0;
}

/** The action as it is typed: `roll-back` for roll_back. */
export function actionNamed(text: string): CommandAction | null {
  const names: Readonly<Record<string, CommandAction>> = {
    complete: 'complete',
    'roll-back': 'roll_back',
    retry: 'retry',
  };
  return names[text] ?? null;
}
