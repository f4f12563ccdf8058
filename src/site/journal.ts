/**
 * One line of the site's journal: what the simulated machines did, in the order in which they did it. The
 * checkers read these lines and nothing else of the site.
 *
 * An effect is under way at a location between its `started` line and the `ended` (execute) or `reversed`
 * (reverse) line of the same key. A refused step and a tombstone have no `started` line: no effect took place.
 * J1 `at` never decreases, over restarts too.
 * J2 a key has at most one `started` line of kind `execute`.
 * J3 a line of outcome `done` carries the evidence that every later answer for the key repeats.
 */
import type { CallKind, JsonObject } from '../core/answer.ts';

export const JOURNAL_EVENTS = ['call', 'started', 'ended', 'reversed', 'answer', 'fenced'] as const;
export type JournalEvent = (typeof JOURNAL_EVENTS)[number];

/**
 * How an effect, or an answer, came out. Answers besides those of the contract: `lost` (the connection was
 * destroyed), `garbage`, `error` (status 500).
 */
export type JournalOutcome =
  | 'done'
  | 'refused'
  | 'retry'
  | 'pending'
  | 'never'
  | 'reversed'
  | 'stale'
  | 'lost'
  | 'garbage'
  | 'error';

export interface JournalLine {
  /** Unix time in ms with fractions; monotonic. */
  readonly at: number;
  readonly event: JournalEvent;
  /** `<transaction id>:<step name>` */
  readonly key: string;
  /** The call that led to the line. `started` of kind `reverse` begins to undo an effect. */
  readonly kind: CallKind;
  readonly location: string;
  readonly slot: number;
  /** Decimal text: compare with BigInt. */
  readonly token: string;
  /** `call`: whether the request was let past the mark; false for one that was fenced or lost on its way. */
  readonly accepted?: boolean;
  /** `ended`, `reversed`, `answer`. */
  readonly outcome?: JournalOutcome;
  readonly reason?: string;
  /** `fenced`: the mark it was refused for. */
  readonly mark?: string;
  /** `started` of kind execute, and `ended`: the receipt. `notes` counts banknotes by denomination in minor units. */
  readonly evidence?: JsonObject;
  /** `ended` and `reversed` written at a restart: the effect had started before the site was killed. */
  readonly recovered?: boolean;
}

export function formatLine(line: JournalLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** Throws SyntaxError for a line that is not JSON, TypeError for one that is not of the journal. */
export function parseLine(text: string): JournalLine {
  const line: unknown = JSON.parse(text);
  if (typeof line !== 'object' || line === null) throw new TypeError('a journal line is an object');
  const { at, event, key, location } = line as Record<string, unknown>;
  const known = (JOURNAL_EVENTS as readonly unknown[]).includes(event);
  if (!known || typeof at !== 'number' || typeof key !== 'string' || typeof location !== 'string') {
    throw new TypeError(`not a journal line: ${text.slice(0, 200)}`);
  }
  return line as JournalLine;
}
