/**
 * Schemathesis against the API of a demo that works: `npm run fuzz -- --seconds 120 --seed 1`. Needs Python 3.10 with venv;
 * the tool comes from PyPI into .cache. Ends with the tool's exit code: 0, when no answer was a 500, none differed from the
 * OpenAPI document, and no undeclared method was taken. `npm test` asks the same of its own values (api-fuzz.test.ts).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { getJson, signalbox, until } from '../integration/processes.ts';

const VENV = resolve(import.meta.dirname, '../../.cache/fuzz');
const START_MS = 90_000;
/** Requests for each operation and phase, before the time ends it. */
const EXAMPLES = 50;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
];

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '120' }, seed: { type: 'string', default: '1' } },
});

function must(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

const tool = join(VENV, 'bin', 'schemathesis');
if (!existsSync(tool)) {
  mkdirSync(VENV, { recursive: true });
  must('python3', ['-m', 'venv', VENV]);
  const requirements = join(import.meta.dirname, 'requirements.txt');
  must(join(VENV, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'));
mkdirSync(join(folder, '.signalbox'));
const url = `http://127.0.0.1:${await freePort()}`;
const demo = signalbox(['demo', '--port', new URL(url).port], { folder });
try {
  await until(
    () => `the demo did not begin to work: ${demo.output()}`,
    START_MS,
    async () => Number((await getJson(`${url}/v1/status`))?.completed) > 20,
  );
  const limits = ['--max-examples', `${EXAMPLES}`, '--max-time', values.seconds, '--seed', values.seed];
  // The levers of the lab are not part of the product, and kill what answers.
  const scope = ['--exclude-path-regex', '^/v1/lab', '--checks', CHECKS.join(',')];
  const command = ['run', `${url}/v1/openapi.json`, ...scope, ...limits];
  const run = spawnSync(tool, command, { cwd: VENV, stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} finally {
  demo.child.kill('SIGINT');
  await demo.ended;
  await stopEmbedded(join(folder, '.signalbox'));
  rmSync(folder, { recursive: true, force: true });
}
