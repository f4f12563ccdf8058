/** The command line of the simulator: arguments and options, over sim-command.ts. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import type { World } from '../engine/ports.ts';
import type { Described } from '../sim/draw.ts';
import { FAULT_KINDS, type FaultKind } from '../sim/fault-kinds.ts';
import { jsonObject, wholeNumber, within } from './arguments.ts';
import type { SimOptions } from './sim-command.ts';
import type { Worlds } from './sim-work.ts';
import { processTerminal } from './terminal.ts';

interface SimArguments {
  readonly config?: string;
  readonly json?: boolean;
  readonly seed: number;
  readonly seeds?: number;
  readonly minutes?: number;
  readonly faults?: readonly FaultKind[];
  readonly without?: readonly FaultKind[];
  readonly exhaustive?: boolean;
  readonly plan?: string;
  readonly world?: Described;
  readonly threads: number;
  readonly report?: string;
}

export interface SimProgramDoors {
  readonly world: World;
  readonly command: (name: string, about: string) => Command;
  readonly end: (common: { readonly json?: boolean }, work: () => Promise<number>) => Promise<never>;
}

const SEEDS = 1_000;
const THREADS_MAX = 64;
const BYTES_A_GIB = 1024 ** 3;

export function simProgram({ world, command, end }: SimProgramDoors): Command {
  return command('sim', 'run the engine in simulated worlds under faults; every world from its seed')
    .option('--seeds <n>', `so many worlds (default: ${SEEDS})`, within(1, 100_000_000))
    .option('--minutes <n>', 'worlds for so many minutes', within(1, 10_000))
    .option('--seed <n>', 'the first seed', wholeNumber, 1)
    .option('--faults <kinds>', `only these kinds of faults: ${FAULT_KINDS.join(', ')}`, faultKinds)
    .option('--without <kinds>', 'all kinds of faults but these', faultKinds)
    .option('--exhaustive', 'a small world for every mishap at every named point, and for every pair of them')
    .option('--plan <text>', 'with --exhaustive: only plans that hold this text')
    .option(
      '--world <json>',
      'one world, as a failure names it',
      (text) => jsonObject(text) as unknown as Described,
    )
    .option('--threads <n>', 'threads', within(1, THREADS_MAX), Math.min(THREADS_MAX, availableParallelism()))
    .option('--report <file>', 'write a report in HTML')
    .action((given: SimArguments) =>
      end(given, async () => {
        const { simCommand } = await import('./sim-command.ts');
        const terminal = processTerminal(given.json ?? false);
        return await simCommand(
          optionsOf(given),
          { world, folder: process.cwd(), machine: machine() },
          terminal,
        );
      }),
    );
}

function optionsOf(given: SimArguments): SimOptions {
  const { faults, minutes = null, config = null, report = null, threads } = given;
  const only = faults === undefined ? [] : FAULT_KINDS.filter((kind) => !faults.includes(kind));
  const without = [...new Set([...only, ...(given.without ?? [])])];
  return { worlds: worldsOf(given), minutes, without, config, report, threads };
}

function worldsOf({ world, exhaustive = false, plan = '', seed, seeds, minutes }: SimArguments): Worlds {
  if (world !== undefined) return { mode: 'world', described: world };
  if (exhaustive) return { mode: 'exhaustive', plans: { text: plan, every: 1 } };
  return { mode: 'seeds', seed, seeds: seeds ?? (minutes === undefined ? SEEDS : null) };
}

function faultKinds(text: string): FaultKind[] {
  const kinds = text.split(',').map((each) => each.trim());
  const unknown = kinds.find((kind) => !(FAULT_KINDS as readonly string[]).includes(kind));
  if (unknown === undefined) return kinds as FaultKind[];
  throw new InvalidArgumentError(`${unknown} is none of ${FAULT_KINDS.join(', ')}`);
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / BYTES_A_GIB);
  return `${availableParallelism()} cores ${model}, ${memory} GiB, Node.js ${process.versions.node}`;
}
