/**
 * The log of a process: pino, JSON lines for machines; on a terminal the same lines short, for people.
 * Writes to the stream it is given; owns no file.
 */
import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly worker: string;
  /** True: short lines, in the colours of a terminal. */
  readonly pretty: boolean;
  readonly write: (line: string) => void;
}

/** Fields that are secrets by their name; nothing of ours logs one, and a mistake must not either. */
const SECRET_NAMES = [
  'token',
  'password',
  'secret',
  'authorization',
  'cookie',
  'sessionKey',
  'connectionString',
];
const SECRET_PATHS = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

export function createLogger({ level, worker, pretty, write }: LoggerOptions): Logger {
  const settings = {
    level,
    base: { worker },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, { write: pretty ? (line: string) => write(shortLine(line)) : write });
}

/** Fields of each line that the short form leaves out or shows in another way. */
const PLAIN = new Set(['level', 'time', 'worker', 'msg', 'code', 'detail', 'remedy']);
const MARKS: Readonly<Record<string, string>> = {
  debug: '\x1b[2m·\x1b[0m',
  info: ' ',
  warn: '\x1b[33m!\x1b[0m',
  error: '\x1b[31m✖\x1b[0m',
};

/** `12:01:05 ! message SB-2001 detail  key=value …` and the remedy on a line of its own. */
export function shortLine(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const text = (name: string) => (fields[name] === undefined ? '' : String(fields[name]));
  const rest = Object.entries(fields)
    .filter(([name]) => !PLAIN.has(name))
    .map(
      ([name, value]) => `\x1b[2m${name}=\x1b[0m${typeof value === 'object' ? JSON.stringify(value) : value}`,
    );
  const parts = [
    text('time').slice(11, 19),
    MARKS[text('level')] ?? ' ',
    text('msg'),
    text('code'),
    text('detail'),
    ...rest,
  ];
  const remedy = text('remedy');
  const second = remedy === '' ? '' : `           \x1b[2m${remedy}\x1b[0m\n`;
  return `${parts.filter((part) => part !== '').join(' ')}\n${second}`;
}
