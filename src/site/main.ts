/**
 * The simulated site as a process of its own: `node src/site/main.ts --directory … [--port …] [--seed …]`.
 * Prints one line `{"ready":true,"port":…}` when it listens. SIGTERM and SIGINT end it.
 */
import { parseArgs } from 'node:util';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { QUIET } from './behaviours.ts';
import { Site, type SiteOptions } from './site.ts';

const HELP = `Simulated site.
  --directory <path>          journal directory (required)
  --port <n>                  0 (default): any free port
  --host <address>            default 127.0.0.1
  --seed <text>               default 1
  --locations <a,b,…>         the only locations; default: every location exists
  --concurrency <n>           effects allowed at once at a location, for the counter of overlaps
  --concurrency-at <loc=n>    the same for one location; may be repeated
  --refill-ms <ms>            a location is filled up this long after it could not pay
  --notes-per-cassette <n>
  --<behaviour> <value>       ${Object.keys(QUIET).map(flagOf).join(', ')};
                              rates 0 to 1, times in ms as "50-800"
`;

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function optionsFrom(args: readonly string[]): SiteOptions {
  const names = [
    'directory',
    'port',
    'host',
    'seed',
    'locations',
    'concurrency',
    'refill-ms',
    'notes-per-cassette',
  ];
  const single = [...names, ...Object.keys(QUIET).map(flagOf)];
  const options = {
    ...Object.fromEntries(single.map((name) => [name, { type: 'string' as const }])),
    'concurrency-at': { type: 'string' as const, multiple: true as const },
  };
  const values: Record<string, string | string[] | undefined> = parseArgs({
    args: [...args],
    options,
  }).values;
  const text = (name: string): string | undefined =>
    typeof values[name] === 'string' ? values[name] : undefined;
  const number = (name: string): number | undefined => numberOf(name, text(name));
  const directory = text('directory');
  if (directory === undefined) throw new SignalboxError('SB-5002', '--directory is missing', { final: true });
  const at = [values['concurrency-at'] ?? []].flat().map((pair) => pair.split('='));
  return {
    ...behavioursFrom(text),
    directory,
    port: number('port') ?? 0,
    host: text('host') ?? '127.0.0.1',
    seed: text('seed') ?? '1',
    ...given('locations', text('locations')?.split(',')),
    ...given('concurrency', number('concurrency')),
    concurrencyAt: Object.fromEntries(
      at.map(([location, n]) => [location, numberOf('concurrency-at', n) ?? 1]),
    ),
    dispenser: {
      ...given('refillMs', number('refill-ms')),
      ...given('notesPerCassette', number('notes-per-cassette')),
    },
  };
}

function behavioursFrom(
  text: (name: string) => string | undefined,
): Record<string, number | [number, number]> {
  const behaviours: Record<string, number | [number, number]> = {};
  for (const [name, known] of Object.entries(QUIET)) {
    const flag = flagOf(name);
    const value = text(flag);
    if (value === undefined) continue;
    const [from, to = from] = value.split('-');
    const low = numberOf(flag, from) ?? 0;
    behaviours[name] = typeof known === 'number' ? low : [low, numberOf(flag, to) ?? low];
  }
  return behaviours;
}

function numberOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value === '' || !(number >= 0)) {
    throw new SignalboxError('SB-5002', `--${name}: ${value} is not a number from 0`, { final: true });
  }
  return number;
}

function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}

try {
  const site = await Site.start(optionsFrom(process.argv.slice(2)));
  process.stdout.write(`${JSON.stringify({ ready: true, port: site.port })}\n`);
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(143);
    stopping = true;
    void site.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${HELP}`);
  process.exitCode = 1;
}
