/**
 * What `npm test` runs: every *.test.ts under src, test and dashboard/src, two files at a time, each in a process of its own.
 *
 *   npm test                             everything
 *   npm test -- src/core test/tidy       files, or all test files of folders
 *   npm test -- --grep 'ready never'     tests whose name matches the pattern
 *
 * The last line is always `N passed, N failed`. Skipped tests are listed above it. A file without tests, and a run
 * in which no test ran, is a failure. CI=true reaches the fixtures, which then fail instead of skipping.
 */
import { globSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

/** The machine that runs the tests has two cores; files that start Postgres or a broker need one each. */
const FILES_AT_ONCE = 2;

/**
 * These use both cores themselves, and chaos holds recovery to a bound in seconds: they run after all others, one at a time.
 */
const ALONE = ['test/chaos/chaos.test.ts', 'test/mutants/mutants.test.ts', 'test/simulator/campaign.test.ts'];

/** A chaos run may take minutes; what takes longer than this hangs. */
const TEST_TIMEOUT_MS = 15 * 60 * 1000;

const NODE_MAJOR_MIN = 24;

const root = resolve(import.meta.dirname, '..');

interface Tally {
  passed: number;
  failed: number;
  readonly notes: string[];
}

function testFiles(paths: readonly string[]): string[] {
  const from =
    paths.length === 0 ? ['src', 'test', 'dashboard/src'].map((folder) => resolve(root, folder)) : paths;
  const files = from.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new Error(`there is no file or folder ${path}`);
    if (found.isFile()) return [resolve(path)];
    return globSync('**/*.test.ts', { cwd: path, exclude: ['**/node_modules/**'] }).map((name) =>
      resolve(path, name),
    );
  });
  if (files.length === 0) throw new Error(`no *.test.ts in ${from.join(', ')}`);
  return [...new Set(files)].sort();
}

/** Counts tests as they end; suites only group them. A test of the name of its file stands for the file itself. */
function count(events: ReturnType<typeof run>, tally: Tally, grep: string | undefined): void {
  const where = (event: { name: string; file?: string }): string =>
    event.name === event.file
      ? relative(root, event.name)
      : `${event.name} (${relative(root, event.file ?? '')})`;
  events.on('test:pass', (event) => {
    if (event.skip !== undefined || event.todo !== undefined) {
      tally.notes.push(
        `skipped: ${where(event)} ${event.skip ?? event.todo}`.replace(/ (true|undefined)$/, ''),
      );
    } else if (event.name === event.file) {
      if (grep !== undefined) return;
      tally.failed++;
      tally.notes.push(`failed: ${where(event)} has no test`);
    } else if (event.details.type !== 'suite') tally.passed++;
  });
  events.on('test:fail', (event) => {
    if (event.details.type === 'suite') return;
    tally.failed++;
    tally.notes.push(`failed: ${where(event)}`);
  });
}

async function main(args: readonly string[], tally: Tally): Promise<void> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN) {
    throw new Error(
      `SB-5001 the tests need Node.js ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}. ` +
        'Remedy: run them with "npm test", which uses the Node.js of node_modules.',
    );
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { grep: { type: 'string' } },
    allowPositionals: true,
  });
  const { grep } = values;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const files = testFiles(positionals);
  const alone = files.filter((file) => ALONE.includes(relative(root, file)));
  const rest = files.filter((file) => !alone.includes(file));
  for (const [some, concurrency] of [[rest, FILES_AT_ONCE] as const, [alone, 1] as const]) {
    if (some.length === 0) continue;
    const events = run({
      files: some,
      concurrency,
      timeout: TEST_TIMEOUT_MS,
      signal: stop.signal,
      ...(grep === undefined ? {} : { testNamePatterns: new RegExp(grep) }),
    });
    count(events, tally, grep);
    const printed = events.compose(spec);
    for await (const text of printed) process.stdout.write(text);
    if (stop.signal.aborted) throw new Error('the run was interrupted');
  }
}

const tally: Tally = { passed: 0, failed: 0, notes: [] };
try {
  await main(process.argv.slice(2), tally);
  if (tally.passed + tally.failed === 0) throw new Error('no test ran');
} catch (error) {
  tally.failed++;
  tally.notes.push(`failed: ${error instanceof Error ? error.message : String(error)}`);
}
for (const note of tally.notes) console.log(note);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
