/** A failing world as a story of a few lines: what broke, and what became of the transaction that a promise was broken for. */
import { isHolding } from '../core/states.ts';
import { textOf } from './broker.ts';
import type { Scenario } from './scenario.ts';

export const STORY_LINES_MAX = 20;

interface Line {
  readonly atMs: number;
  readonly text: string;
  /** Of the transaction itself: kept when the story gets too long. */
  readonly own: boolean;
}

/** The story of a world that has run, of at most `STORY_LINES_MAX` lines with its heading. */
export function storyOf(scenario: Scenario, violations: readonly string[]): string[] {
  const subject = subjectOf(scenario, violations);
  const lines = [...workers(scenario), ...records(scenario, subject), ...ledger(scenario, subject)];
  lines.push(...effects(scenario, subject), ...results(scenario, subject));
  lines.sort((a, b) => a.atMs - b.atMs);
  const heading = [violations[0] ?? 'nothing is wrong', ...sizeOf(scenario)];
  const kept = shortened(lines, STORY_LINES_MAX - heading.length);
  return [...heading, ...kept.map(({ atMs, text }) => `${(atMs / 1_000).toFixed(3).padStart(9)} s  ${text}`)];
}

function sizeOf({ options }: Scenario): string[] {
  const { workers, partitions, locations, transactions, concurrency, steps, grade } = options;
  return [
    `${workers} workers, ${partitions} partitions, ${locations} locations with ${concurrency} slots, ${transactions} records, ${steps} steps, grade ${grade}`,
  ];
}

/** Ids that the violation names; else of what is still open. */
function subjectOf({ store }: Scenario, violations: readonly string[]): ReadonlySet<string> {
  const named = (violations[0] ?? '').match(/[\w.~-]+/g) ?? [];
  const known = named.filter((word) => store.rows.has(word)).slice(0, 2);
  if (known.length > 0) return new Set(known);
  for (const { id, state } of store.rows.values()) if (isHolding(state)) return new Set([id]);
  return new Set();
}

function workers({ history }: Scenario): Line[] {
  return history.map(({ atMs, text }) => ({ atMs, text, own: false }));
}

function records({ produced, virtual }: Scenario, subject: ReadonlySet<string>): Line[] {
  const startMs = virtual.wallClockMs() - Math.floor(virtual.elapsedMs);
  return produced.flatMap((record) => {
    const { key, value } = textOf(record);
    const isOwn = [...subject].some((id) => value?.includes(`"id":"${id}"`));
    if (!isOwn) return [];
    const text = `record ${record.partition}/${record.offset} for ${key}: ${value}`;
    return [{ atMs: record.timestampMs - startMs, text, own: true }];
  });
}

function ledger({ store, virtual }: Scenario, subject: ReadonlySet<string>): Line[] {
  const startMs = virtual.wallClockMs() - Math.floor(virtual.elapsedMs);
  return store.transitions.flatMap(({ id, atMs, event, to, token, worker, epoch }) => {
    if (!subject.has(id)) return [];
    const text = `ledger: ${worker} in epoch ${epoch} writes ${event} of ${id}, now ${to}, token ${token ?? '-'}`;
    return [{ atMs: atMs - startMs, text, own: true }];
  });
}

function effects({ site }: Scenario, subject: ReadonlySet<string>): Line[] {
  return site.effects.flatMap(({ key, location, startedMs, endedMs, happened, reversedMs }) => {
    if (!subject.has(key.split(':')[0] ?? '')) return [];
    const lines = [{ atMs: startedMs, text: `${location} starts ${key}`, own: true }];
    if (endedMs !== null)
      lines.push({
        atMs: endedMs,
        text: `${location} ${happened ? 'has done' : 'refuses'} ${key}`,
        own: true,
      });
    if (reversedMs !== null)
      lines.push({ atMs: reversedMs, text: `${location} has undone ${key}`, own: true });
    return lines;
  });
}

/** The log keeps no times of results: they stand at the end. */
function results({ broker, virtual }: Scenario, subject: ReadonlySet<string>): Line[] {
  return broker.results.flatMap(({ record: { value } }) => {
    const isOwn = [...subject].some((id) => value.includes(`"id":"${id}"`));
    return isOwn ? [{ atMs: virtual.elapsedMs, text: `published: ${value}`, own: true }] : [];
  });
}

/** What befell workers goes first, the farthest from what the transaction went through; then its own middle. */
function shortened(lines: readonly Line[], room: number): Line[] {
  if (lines.length <= room) return [...lines];
  const own = lines.filter((line) => line.own);
  if (own.length >= room) {
    const half = Math.floor(room / 2);
    const gap = { atMs: own[half]?.atMs ?? 0, text: `… ${own.length - room + 1} more of it …`, own: true };
    return [...own.slice(0, half), gap, ...own.slice(own.length - (room - half - 1))];
  }
  const distance = ({ atMs }: Line) =>
    Math.min(Number.MAX_VALUE, ...own.map((line) => Math.abs(line.atMs - atMs)));
  const others = lines
    .filter((line) => !line.own)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, room - own.length);
  const kept = new Set([...own, ...others]);
  return lines.filter((line) => kept.has(line));
}
