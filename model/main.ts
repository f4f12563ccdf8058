/**
 * `npm run model -- [case…]`: runs cases of the model in TLC and prints a table; ends with 1 when one differs from
 * what is expected. A case may end in `*`.
 *
 *   npm run model                       all of them (about an hour on one thread)
 *   npm run model -- 'bad-*' ok-core    some
 *   npm run model -- --list             names and what is expected
 *   npm run model -- --keep out         the whole output of each case, counterexamples included, in the folder out
 *   npm run model -- --limit 60         seconds before a case is cut off (default 900; a walk takes all of it)
 *   npm run model -- --write-states     makes States.tla from src/core/states.ts
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCommands } from '../src/demo/local-broker-jars.ts';
import { CASES, type Case } from './cases.ts';
import { STATES_FILE, statesModule } from './module-text.ts';
import { agrees, findTlc, type Outcome, runCase, told } from './tlc.ts';
import { defaultJarPath } from './tlc-jar.ts';

/** The largest world takes about seven minutes alone on a slow core. */
const LIMIT_SECONDS = 900;
/** A random walk has no end of its own: this long finds what it finds. */
const WALK_SECONDS = 300;
/** A million states of the largest world, which TLC keeps on the heap before it goes to disk. */
const HEAP_MB = 4_096;

function chosen(patterns: readonly string[]): Case[] {
  if (patterns.length === 0) return [...CASES];
  return patterns.flatMap((pattern) => {
    const fits = (name: string): boolean =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    const found = CASES.filter(({ name }) => fits(name));
    if (found.length === 0)
      throw new Error(`there is no case ${pattern}; npm run model -- --list names them`);
    return found;
  });
}

function row(cells: readonly string[]): string {
  const widths = [34, 19, 19, 12, 7];
  return cells
    .map((cell, index) => (index < 3 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join('  ');
}

function report(which: Case, { found, distinctStates, seconds }: Outcome): string {
  const states = distinctStates === null ? '–' : distinctStates.toLocaleString('en');
  const mark = agrees(found, which.expected) ? '' : '  DIFFERS';
  return row([which.name, told(which.expected), told(found), states, seconds.toFixed(1)]) + mark;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean' },
      'write-states': { type: 'boolean' },
      keep: { type: 'string' },
      limit: { type: 'string' },
    },
  });
  if (values['write-states'] === true) {
    await writeFile(STATES_FILE, statesModule());
    return 0;
  }
  const cases = chosen(positionals);
  if (values.list === true) {
    for (const { name, expected } of cases) console.log(`${name.padEnd(34)}  ${told(expected)}`);
    return 0;
  }
  const limit = values.limit === undefined ? null : Number(values.limit);
  if (limit !== null && !(limit > 0)) throw new Error(`--limit ${values.limit}: seconds above 0`);
  return runAll(cases, { limit, keep: values.keep ?? null });
}

async function runAll(
  cases: readonly Case[],
  { limit, keep }: { readonly limit: number | null; readonly keep: string | null },
): Promise<number> {
  const jar = {
    path: defaultJarPath(),
    python: 'python3',
    onProgress: (text: string) => console.error(text),
  };
  const tlc = await findTlc(defaultCommands().java, jar);
  if (keep !== null) await mkdir(keep, { recursive: true });
  console.log(row(['case', 'expected', 'found', 'states', 's']));
  let differing = 0;
  for (const which of cases) {
    const limitSeconds = limit ?? (which.walk ? WALK_SECONDS : LIMIT_SECONDS);
    const outcome = await runCase(tlc, which, { limitSeconds, heapMb: HEAP_MB });
    if (keep !== null) await writeFile(join(keep, `${which.name}.txt`), outcome.output);
    if (!agrees(outcome.found, which.expected)) differing += 1;
    console.log(report(which, outcome));
  }
  console.log(`${cases.length} cases, ${differing} differ`);
  return differing === 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
