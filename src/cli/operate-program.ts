/** The command line of people's decisions: arguments and options of each, over operate-commands.ts. */
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import type { JsonObject } from '../core/answer.ts';
import type { CommandAction } from '../core/commands.ts';
import type { World } from '../engine/ports.ts';
import type { LimitChange, Operations } from '../engine/ports-operate.ts';
import { jsonObject, wholeNumber, within } from './arguments.ts';
import {
  actionNamed,
  approveCommand,
  attentionCommand,
  auditVerifyCommand,
  type Deciding,
  decideCommand,
  limitCommand,
  moveWatermarkCommand,
} from './operate-commands.ts';
import { processTerminal } from './terminal.ts';

export interface Common {
  readonly config?: string;
  readonly json?: boolean;
}

export interface OperateDoors {
  readonly world: World;
  readonly command: (name: string, about: string) => Command;
  /** Runs with the ledger's operations and ends the process with the code. */
  readonly operating: (
    common: Common,
    work: (operations: Operations, more: Pick<Deciding, 'read' | 'approvalMs'>) => Promise<number>,
  ) => Promise<never>;
}

interface Said extends Common {
  readonly reason: string;
  readonly actor: string;
}

/** Decisions are taken up every second, and a call under way may take its time-out first. */
const WAIT_MS = 10_000;
const ATTENTION_ROWS = 100;

export function operateCommands({ world, command, operating }: OperateDoors): Command[] {
  const said = (name: string, about: string): Command => withWho(command(name, about));
  const decides = (name: string, about: string): Command =>
    said(name, about)
      .argument('<id>', 'id of the transaction')
      .option('--wait-ms <n>', 'wait this long for the owner', wholeNumber, WAIT_MS);
  const limit = (options: Said, change: Omit<LimitChange, 'actor' | 'reason'>): Promise<never> => {
    const { actor, reason } = options;
    return operating(options, (operations) =>
      limitCommand({ ...change, actor, reason }, operations, processTerminal(options.json ?? false)),
    );
  };
  const decide = (
    options: Said & { waitMs: number },
    what: { id: string; action: CommandAction; evidence: string | null },
  ): Promise<never> => {
    const { actor, reason, waitMs } = options;
    return operating(options, (operations, more) =>
      decideCommand(
        { ...what, actor, reason },
        { operations, ...more, world, waitMs },
        processTerminal(options.json ?? false),
      ),
    );
  };
  type Waiting = Said & { waitMs: number };
  return [
    said('pause', 'begin nothing at a location or pattern')
      .argument('<location>', 'a location, or a pattern with * and ?', checkedPlace)
      .action((location: string, options: Said) => limit(options, { location, paused: true })),
    said('resume', 'begin again at a location or pattern')
      .argument('<location>', 'as it was paused', checkedPlace)
      .action((location: string, options: Said) => limit(options, { location, paused: false })),
    said('limit', 'set how many transactions may be at work at a location or pattern')
      .argument('<location>', 'a location, or a pattern with * and ?', checkedPlace)
      .argument('<n>', '1 to 1000, or "default"', slots)
      .action((location: string, concurrency: number | null, options: Said) =>
        limit(options, { location, concurrency }),
      ),
    decides('decide', 'decide a held or in-doubt transaction: complete, roll-back or retry')
      .argument('<decision>', 'complete, roll-back or retry', decision)
      .option('--evidence <json>', 'of the step, for complete: a JSON object', jsonObject)
      .action((id: string, action: CommandAction, options: Waiting & { evidence?: JsonObject }) =>
        decide(options, {
          id,
          action,
          evidence: options.evidence === undefined ? null : JSON.stringify(options.evidence),
        }),
      ),
    decides('cancel', 'cancel a transaction that is parked').action((id: string, options: Waiting) =>
      decide(options, { id, action: 'cancel', evidence: null }),
    ),
    decides('ask', 'ask the participant about a transaction again, now').action(
      (id: string, options: Waiting) => decide(options, { id, action: 'ask', evidence: null }),
    ),
    said('approve', 'approve the decision of another person')
      .argument('<command>', 'its number', wholeNumber)
      .action((sequence: number, options: Said) => {
        const { actor, reason } = options;
        return operating(options, (operations) =>
          approveCommand({ sequence, actor, reason }, operations, processTerminal(options.json ?? false)),
        );
      }),
    moveWatermark({ command, operating }),
    attention({ command, operating }),
  ];
}

/** What every act of a person needs for the audit. */
export function withWho(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why; goes into the audit')
    .option('--actor <name>', 'who decides', process.env.USER ?? userInfo().username);
}

function moveWatermark({ command, operating }: Omit<OperateDoors, 'world'>): Command {
  return withWho(
    command(
      'move-watermark',
      'give up records that the topic no longer holds: the partition goes on behind them',
    ),
  )
    .argument('<partition>', 'number of the partition', wholeNumber)
    .argument('<offset>', 'the first offset that is left', wholeNumber)
    .action((partition: number, offset: number, options: Said) =>
      operating(options, (operations) => {
        const { actor, reason } = options;
        const move = { partition, offset, actor, reason };
        return moveWatermarkCommand(move, operations, processTerminal(options.json ?? false));
      }),
    );
}

function attention({ command, operating }: Omit<OperateDoors, 'world'>): Command {
  return command('attention', 'list what needs a person: held, in doubt, reversing')
    .option('--limit <n>', 'at most this many', wholeNumber, ATTENTION_ROWS)
    .action((options: Common & { limit: number }) =>
      operating(options, (operations) =>
        attentionCommand(options.limit, operations, processTerminal(options.json ?? false)),
      ),
    );
}

export function auditVerify({ command, operating }: Omit<OperateDoors, 'world'>): Command {
  return command('verify', 'compute its chain of hashes again').action((options: Common) =>
    operating(options, (operations) =>
      auditVerifyCommand(operations, processTerminal(options.json ?? false)),
    ),
  );
}

function checkedPlace(text: string): string {
  if (/^[A-Za-z0-9._~*?-]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError('1 to 128 of A-Z a-z 0-9 . _ ~ - with * and ? in a pattern');
}

function slots(text: string): number | null {
  return text === 'default' ? null : within(1, 1_000)(text);
}

function decision(text: string): CommandAction {
  const action = actionNamed(text);
  if (action === null) throw new InvalidArgumentError('complete, roll-back or retry');
  return action;
}
