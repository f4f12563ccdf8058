/** The measured part of docs/benchmarks.md and its charts, made from bench/results/peers.json. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOurs, PEERS } from './all.ts';
import { chartOf } from './chart.ts';
import { type PeerFound, type Session, savedSessions } from './results.ts';
import { type Table, tables } from './tables.ts';

const PAGE = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const CHARTS = fileURLToPath(new URL('../../docs/images/benchmarks/', import.meta.url));
const BEGIN = '<!-- measured: made by `npm run bench -- peers --render` -->';
const END = '<!-- measured: end -->';

/** Writes page and charts. Throws when the page has no place for them. */
export function render(): void {
  const sessions = savedSessions();
  const all = tables(sessions);
  mkdirSync(CHARTS, { recursive: true });
  const ours = new Set(PEERS.filter(({ id }) => isOurs(id)).map(({ title }) => title));
  for (const table of all.filter(({ bars }) => bars.length > 1))
    writeFileSync(
      join(CHARTS, `${table.work}.svg`),
      chartOf(table, (peer) => ours.has(peer)),
    );
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no lines "${BEGIN}" and "${END}"`);
  const measured = measuredPart(sessions, all);
  writeFileSync(PAGE, `${page.slice(0, from + BEGIN.length)}\n\n${measured}\n\n${page.slice(to)}`);
}

export function measuredPart(sessions: readonly Session[], all: readonly Table[]): string {
  const parts = [head(sessions), lead(all), ...all.map(section), versions(sessions)];
  return parts.filter((part) => part !== '').join('\n\n');
}

function head(sessions: readonly Session[]): string {
  const [first] = sessions;
  const last = sessions.at(-1);
  if (first === undefined || last === undefined) return 'Nothing was measured yet.';
  const { machine, kafka, seed, partitions } = last;
  const postgres = sessions.map((session) => session.postgres).findLast((version) => version !== null);
  const commits = [...new Set(sessions.map(({ commit }) => commit))].join(', ');
  return `${machine.cores} cores ${machine.cpu}, ${machine.memoryGiB} GiB, Linux; Node ${machine.node}, Kafka ${kafka}, Postgres ${postgres ?? 'not used'} with fsync; ${partitions} partitions, seed ${seed}. Measured ${first.at.slice(0, 16)} to ${last.at.slice(0, 16)} UTC at commit ${commits} (\`+\`: with changes in src).`;
}

/** Which rows Signalbox leads, said plainly: by how much, or behind whom. */
function lead(all: readonly Table[]): string {
  const ours = new Set(PEERS.filter(({ id }) => isOurs(id)).map(({ title }) => title));
  const lines = all.map(({ work, bars, lessIsBetter }) => {
    const better = (one: number, other: number): number => (lessIsBetter ? other / one : one / other);
    const sorted = bars.toSorted((a, b) => (lessIsBetter ? a.value - b.value : b.value - a.value));
    const own = bars.find(({ peer }) => ours.has(peer));
    const best = sorted.find(({ peer }) => !ours.has(peer));
    if (own === undefined || best === undefined) return '';
    const times = better(own.value, best.value).toFixed(2);
    return Number(times) > 1
      ? `- ${work}: Signalbox leads, ${times} times ${best.peer}.`
      : `- ${work}: **Signalbox does not lead**: it has ${times} times what ${best.peer} has.`;
  });
  return lines.filter((line) => line !== '').join('\n');
}

function section(table: Table): string {
  const { work, what, columns, rows, bars } = table;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const padded = rows.map((row) => [...row, ...columns.slice(row.length).map(() => '')]);
  const chart = bars.length > 1 ? `\n\n![${work}](images/benchmarks/${work}.svg)` : '';
  return `### ${work}: ${what}\n\n${[line(columns), line(columns.map(() => '---')), ...padded.map(line)].join('\n')}${chart}`;
}

function versions(sessions: readonly Session[]): string {
  const found = Object.assign({}, ...sessions.map(({ peers }) => peers)) as Record<string, PeerFound>;
  const rows = PEERS.flatMap(({ id, title }) => {
    const state = found[id];
    if (state === undefined) return [`| ${title} | not measured | |`];
    const version =
      'missing' in state
        ? `missing: ${state.missing}`
        : Object.entries(state.versions)
            .map(([name, text]) => `${name} ${text}`)
            .join(', ');
    return [`| ${title} | ${version} | ${state.settings} |`];
  });
  return `### Versions and settings\n\n| peer | version | settings |\n| --- | --- | --- |\n${rows.join('\n')}`;
}
