/** The flags of the site's process (main.ts), read into options. */
import { parseArgs } from 'node:util';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { GRADES } from '../core/grade.ts';
import { QUIET } from './behaviours.ts';
import { RULES } from './careless-register.ts';
import type { SiteOptions } from './site.ts';

export const SITE_HELP = `Simulated site.
  --directory <path>          journal directory (required)
  --port <n>                  0 (default): any free port
  --host <address>            default 127.0.0.1
  --seed <text>               default 1
  --locations <a,b,…>         the only locations; default: every location exists
  --concurrency <n>           effects allowed at once at a location, for the counter of overlaps
  --concurrency-at <loc=n>    the same for one location; may be repeated
  --refill-ms <ms>            a location is filled up this long after it could not pay
  --notes-per-cassette <n>
  --grade <G3|G2|G1|G0>       what it keeps to, and says so; default G3
  --breaks <1-6>              a rule for participants that it breaks, whatever it says
Behaviours, rates 0 to 1, times in ms as "50-800" or "50":
${Object.keys(QUIET)
  .map((name) => `  --${flagOf(name)}`)
  .join('\n')}
`;

const FLAGS = [
  'directory',
  'port',
  'host',
  'seed',
  'locations',
  'concurrency',
  'refill-ms',
  'notes-per-cassette',
  'grade',
  'breaks',
  ...Object.keys(QUIET).map(flagOf),
] as const;

/** Throws SB-5002 naming the flag. Rates and ranges are checked by `Site.start`. */
export function siteOptionsFrom(args: readonly string[]): SiteOptions {
  const { text, many } = read(args);
  const number = (name: string): number | undefined => numberOf(name, text(name));
  const directory = text('directory');
  if (directory === undefined) throw bad('--directory is missing');
  const at = many('concurrency-at').map((pair) => pair.split('='));
  return {
    ...behavioursFrom(text),
    directory,
    port: number('port') ?? 0,
    host: text('host') ?? '127.0.0.1',
    seed: text('seed') ?? '1',
    ...given('locations', text('locations')?.split(',')),
    ...given('concurrency', number('concurrency')),
    ...given('grade', oneOf('grade', text('grade'), GRADES)),
    ...given(
      'breaks',
      RULES.find((rule) => `${rule}` === oneOf('breaks', text('breaks'), RULES.map(String))),
    ),
    concurrencyAt: Object.fromEntries(
      at.map(([location, n]) => [location, numberOf('concurrency-at', n ?? '')]),
    ),
    dispenser: {
      ...given('refillMs', number('refill-ms')),
      ...given('notesPerCassette', number('notes-per-cassette')),
    },
  };
}

interface Values {
  text(name: string): string | undefined;
  many(name: string): readonly string[];
}

function read(args: readonly string[]): Values {
  const flags = FLAGS.map((name) => [name, { type: 'string' as const }] as const);
  const options = {
    ...Object.fromEntries(flags),
    'concurrency-at': { type: 'string' as const, multiple: true as const },
  };
  try {
    const values: Record<string, string | string[] | undefined> = parseArgs({
      args: [...args],
      options,
    }).values;
    return {
      text: (name) => [values[name] ?? []].flat().at(-1),
      many: (name) => [values[name] ?? []].flat(),
    };
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
}

function behavioursFrom(text: Values['text']): Record<string, number | [number, number]> {
  const behaviours: Record<string, number | [number, number]> = {};
  for (const [name, known] of Object.entries(QUIET)) {
    const flag = flagOf(name);
    const value = text(flag);
    if (value === undefined) continue;
    const [from = '', to = from] = value.split('-');
    const range: [number, number] = [numberOf(flag, from) ?? 0, numberOf(flag, to) ?? 0];
    behaviours[name] = typeof known === 'number' ? range[0] : range;
  }
  return behaviours;
}

function numberOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value === '' || !(number >= 0)) throw bad(`--${name}: "${value}" is not a number from 0`);
  return number;
}

function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  known: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((each) => each === value);
  if (found === undefined) throw bad(`--${name}: "${value}" is none of ${known.join(', ')}`);
  return found;
}

function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function bad(detail: string): SignalboxError {
  return new SignalboxError('SB-5002', detail, { final: true });
}
