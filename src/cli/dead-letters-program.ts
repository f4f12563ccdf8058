/** The command line of dead letters: arguments and options of each, over dead-letters-command.ts. */
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { type ErrorCode, SignalboxError } from '../core/errors/catalogue.ts';
import type { DeadLetterDesk } from '../engine/ports-dead-letters.ts';
import type { Who } from '../engine/ports-operate.ts';
import type { DeadLetterAt, ReadModel } from '../engine/ports-read.ts';
import type { ReplayDoors } from '../engine/replay-dead-letter.ts';
import { errorCode, wholeNumber } from './arguments.ts';
import {
  type Chosen,
  deadLettersCommand,
  discardCommand,
  replayCommand,
  showDeadLetterCommand,
} from './dead-letters-command.ts';
import { type Common, withWho } from './operate-program.ts';
import { processTerminal } from './terminal.ts';

/** What the commands work with; all of it is closed by whoever gives it. */
export interface DeadLetterParts {
  readonly desk: DeadLetterDesk;
  readonly read: ReadModel;
  /** Opened when it is asked for. */
  readonly replayDoors: () => Promise<ReplayDoors>;
}

export interface DeadLettersDoors {
  readonly command: (name: string, about: string) => Command;
  /** Runs with the parts and ends the process with the code. */
  readonly withLetters: (common: Common, work: (parts: DeadLetterParts) => Promise<number>) => Promise<never>;
}

type Many = Common & Who & { readonly code?: ErrorCode; readonly limit: number };

const LISTED = 100;

export function deadLettersProgram({ command, withLetters }: DeadLettersDoors): Command {
  const terminal = (common: Common) => processTerminal(common.json ?? false);
  const list = command('list', 'list them, the newest first')
    .option('--all', 'those too that have been dealt with', false)
    .option('--code <code>', 'only those with this code', errorCode)
    .option('--limit <n>', 'at most this many', wholeNumber, LISTED)
    .action((options: Common & { all: boolean; code?: ErrorCode; limit: number }) =>
      withLetters(options, ({ read }) => {
        const { all, code = null, limit } = options;
        return deadLettersCommand({ unresolved: !all, code, limit }, read, terminal(options));
      }),
    );
  const showOne = command('show', 'show one, with its bytes')
    .argument('<record>', 'partition/offset of the record', place)
    .action((at: DeadLetterAt, options: Common) =>
      withLetters(options, ({ desk }) => showDeadLetterCommand(at, desk, terminal(options))),
    );
  const replay = many(command('replay', 'put one on the topic once more, as it is or mended'))
    .option('--key <location>', 'instead of its key')
    .option('--value <json>', 'instead of its value')
    .option('--value-file <file>', 'the same, from a file')
    .action((at: DeadLetterAt | undefined, options: Many & Mending) =>
      withLetters(options, async ({ read, replayDoors }) => {
        const chosen = chosenOf(at, options, read);
        return await replayCommand(
          { chosen, who: options, mended: await mendedOf(options, chosen) },
          await replayDoors(),
          terminal(options),
        );
      }),
    );
  const discard = many(command('discard', 'nothing more is to be done about one')).action(
    (at: DeadLetterAt | undefined, options: Many) =>
      withLetters(options, ({ desk, read }) =>
        discardCommand({ chosen: chosenOf(at, options, read), who: options }, desk, terminal(options)),
      ),
  );
  // No options of its own: it would take those that are meant for the commands below it.
  const program = new Command('dead-letters')
    .description('records that became no transaction: list, show, replay, discard')
    .exitOverride();
  program.addCommand(list, { isDefault: true });
  for (const each of [showOne, replay, discard]) program.addCommand(each);
  return program;
}

function many(command: Command): Command {
  return withWho(command)
    .argument('[record]', 'partition/offset of the record', place)
    .option('--code <code>', 'instead: every open one with this code', errorCode)
    .option('--limit <n>', 'of these at most so many, the newest', wholeNumber, LISTED);
}

interface Mending {
  readonly key?: string;
  readonly value?: string;
  readonly valueFile?: string;
}

async function mendedOf({ key, value, valueFile }: Mending, chosen: Chosen) {
  const text = valueFile === undefined ? value : await readFile(valueFile);
  if (!('at' in chosen) && (key !== undefined || text !== undefined)) {
    throw new SignalboxError('SB-6002', '--key and --value mend one record, not every one with a code');
  }
  return {
    ...(key === undefined ? {} : { key }),
    ...(text === undefined ? {} : { value: Buffer.from(text) }),
  };
}

function chosenOf(at: DeadLetterAt | undefined, { code, limit }: Many, read: ReadModel): Chosen {
  if (at !== undefined && code === undefined) return { at };
  if (at === undefined && code !== undefined) return { code, limit, read };
  throw new SignalboxError('SB-6002', 'either <partition>/<offset> or --code <code>');
}

function place(text: string): DeadLetterAt {
  const [, partition, offset] = /^(\d{1,9})\/(\d{1,15})$/.exec(text) ?? [];
  if (partition !== undefined && offset !== undefined)
    return { partition: Number(partition), offset: Number(offset) };
  throw new InvalidArgumentError('partition/offset is needed, such as 3/1042');
}
