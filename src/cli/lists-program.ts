/** The command line of what is listed: arguments and options of each, over lists-commands.ts. */
import { type Command, InvalidArgumentError } from 'commander';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import { STATES, type State } from '../core/states.ts';
import type { World } from '../engine/ports.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import { errorCode, within } from './arguments.ts';
import {
  type AuditFilter,
  auditListCommand,
  commandsCommand,
  limitsCommand,
  statusCommand,
  transactionsCommand,
} from './lists-commands.ts';
import type { Common } from './operate-program.ts';
import { processTerminal } from './terminal.ts';

export interface ListsDoors {
  readonly world: World;
  readonly command: (name: string, about: string) => Command;
  /** Runs with what reads the ledger and ends the process with the code. */
  readonly listing: (
    common: Common,
    work: (ledger: { readonly lists: Lists; readonly read: ReadModel }) => Promise<number>,
  ) => Promise<never>;
}

const ROWS = 50;
const ROWS_MAX = 500;

interface TransactionsOptions extends Common {
  readonly state: State[];
  readonly location?: string;
  readonly type?: string;
  readonly code?: ErrorCode;
  readonly from?: number;
  readonly to?: number;
  readonly cursor?: string;
  readonly limit: number;
}

export function listsProgram(doors: ListsDoors): Command[] {
  const { world, command, listing } = doors;
  return [
    command(
      'status',
      'show the fleet: what is open, workers, partitions; exit code 1 when no worker is alive',
    ).action((common: Common) =>
      listing(common, ({ read }) => statusCommand(read, terminalOf(common), world.now())),
    ),
    transactions(doors),
    command('limits', 'list limits and pauses that operators have set').action((common: Common) =>
      listing(common, ({ lists }) => limitsCommand(lists, terminalOf(common))),
    ),
    command('commands', 'list decisions of people, the newest first')
      .option('--open', 'only those not carried out or refused yet', false)
      .option('--limit <n>', 'at most this many', within(1, ROWS_MAX), ROWS)
      .action((options: Common & { open: boolean; limit: number }) =>
        listing(options, ({ lists }) => commandsCommand(options, lists, terminalOf(options))),
      ),
  ];
}

function transactions({ command, listing }: ListsDoors): Command {
  return command('transactions', 'search transactions: those that hold a slot, parked ones, then outcomes')
    .option('--state <state>', 'in this state; may be repeated', addState, [])
    .option('--location <location>', 'at this location')
    .option('--type <type>', 'of this type')
    .option('--code <code>', 'with this error code, now or in its history', errorCode)
    .option('--from <time>', 'changed since (RFC 3339)', time)
    .option('--to <time>', 'changed before (RFC 3339)', time)
    .option('--cursor <text>', 'of the page before')
    .option('--limit <n>', 'at most this many', within(1, ROWS_MAX), ROWS)
    .action((options: TransactionsOptions) => {
      const filter = {
        states: options.state,
        location: options.location ?? null,
        type: options.type ?? null,
        code: options.code ?? null,
        fromMs: options.from ?? null,
        toMs: options.to ?? null,
        cursor: options.cursor ?? null,
        limit: options.limit,
      };
      return listing(options, ({ lists }) => transactionsCommand(filter, lists, terminalOf(options)));
    });
}

/** `audit list`; `audit verify` is an act of operate-program.ts. */
export function auditList({ command, listing }: Pick<ListsDoors, 'command' | 'listing'>): Command {
  return command('list', 'list what people did, the newest first')
    .option('--target <text>', 'a whole target, such as "location ATM-0001" or "transaction T-1"')
    .option('--actor <name>', 'by this person')
    .option('--limit <n>', 'at most this many', within(1, ROWS_MAX), ROWS)
    .action((options: Common & Partial<AuditFilter> & { limit: number }) => {
      const { target = null, actor = null, limit } = options;
      return listing(options, ({ lists }) =>
        auditListCommand({ target, actor, limit }, lists, terminalOf(options)),
      );
    });
}

function terminalOf({ json = false }: Common) {
  return processTerminal(json);
}

function addState(text: string, before: State[]): State[] {
  const state = STATES.find((each) => each === text.replace('-', '_'));
  if (state === undefined) throw new InvalidArgumentError(`one of ${STATES.join(', ')}`);
  return [...before, state];
}

function time(text: string): number {
  const ms = parseRfc3339(text);
  if (ms !== null) return ms;
  throw new InvalidArgumentError('a time such as 2026-11-25T12:00:00Z');
}
