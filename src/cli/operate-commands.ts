/** Commands of people: limits of locations, decisions about transactions, what needs attention, the audit. */
import type { CommandAction } from '../core/commands.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { World } from '../engine/ports.ts';
import type {
  CommandOutcome,
  LimitChange,
  Operations,
  Proposal,
  WatermarkMove,
} from '../engine/ports-operate.ts';
import { type Cell, clock, show, type Terminal, table } from './terminal.ts';

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

/** 0 applied, 1 refused, 2 still waiting for the owner of the partition. */
export async function decideCommand(
  proposal: Proposal,
  { operations, world, waitMs }: { operations: Operations; world: World; waitMs: number },
  terminal: Terminal,
): Promise<number> {
  const proposed = await operations.propose(proposal);
  const { sequence, location, state, ownerAlive } = proposed;
  if (!terminal.json)
    terminal.out(`command ${sequence}: ${proposal.action} of ${proposal.id} at ${location}, ${state}`);
  const found = await outcomeWithin(sequence, { operations, world, waitMs });
  show(terminal, { ...proposed, ...found }, () => [textOf(found, ownerAlive)]);
  return { applied: 0, refused: 1, waiting: 2 }[found.outcome];
}

async function outcomeWithin(
  sequence: number,
  { operations, world, waitMs }: { operations: Operations; world: World; waitMs: number },
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
