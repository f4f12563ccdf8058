/** Tables of the results: medians and ranges, ratio to Signalbox, the four counts of every run. */
import { median } from '../median.ts';
import { isOurs, PEERS } from './all.ts';
import type { Run } from './measure.ts';
import type { PeerFound, Session } from './results.ts';
import { WORKS, type WorkId } from './works.ts';

export interface Table {
  readonly work: WorkId;
  readonly what: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What is compared, of each peer that ended. */
  readonly bars: readonly { readonly peer: string; readonly value: number }[];
  readonly unit: string;
  readonly lessIsBetter: boolean;
}

export function tables(sessions: readonly Session[]): Table[] {
  const runs = sessions.flatMap((session) => session.runs);
  const found = Object.assign({}, ...sessions.map(({ peers }) => peers)) as Record<string, PeerFound>;
  const all = WORKS.filter(({ id }) => id !== 'crash').flatMap((work) => {
    const ofWork = runs.filter((run) => run.work === work.id);
    return ofWork.length === 0 ? [] : [tableOf(work.id, { what: work.what, runs: ofWork, all: runs, found })];
  });
  const crashes = sessions.flatMap((session) => session.crashes);
  return crashes.length === 0 ? all : [...all, crashTable(crashes)];
}

interface Context {
  readonly what: string;
  readonly runs: readonly Run[];
  readonly all: readonly Run[];
  readonly found: Readonly<Record<string, PeerFound>>;
}

interface Measure {
  readonly column: string;
  readonly unit: string;
  readonly of: (run: Run) => number;
  /** Better is less. */
  readonly less: boolean;
}

const RATE: Measure = {
  column: 'records/s',
  unit: 'records/s',
  less: false,
  of: ({ result }) => result?.perSecond ?? 0,
};
const MEASURES: Partial<Record<WorkId, Measure>> = {
  W3: {
    column: '% of the bound',
    unit: '% of the bound',
    less: false,
    of: ({ result, boundMs = 0 }) => (100 * boundMs) / (result?.ms ?? Number.POSITIVE_INFINITY),
  },
  W4: {
    column: 'p99 beyond the handler, ms',
    unit: 'ms',
    less: true,
    of: ({ result }) => (result?.p99Ms ?? 0) - 5,
  },
  W6: { ...RATE, column: 'transactions/s', unit: 'transactions/s' },
};

function tableOf(id: WorkId, { what, runs, all, found }: Context): Table {
  const measured = MEASURES[id] ?? RATE;
  const ours = runs.filter((run) => isOurs(run.peer) && ended(run));
  const base = median(ours.map(measured.of));
  const rows: string[][] = [];
  const bars: { peer: string; value: number }[] = [];
  for (const { id: peer, title, works } of PEERS) {
    if (!works.includes(id)) continue;
    const state = found[peer];
    const own = runs.filter((run) => run.peer === peer);
    if (state !== undefined && 'missing' in state) rows.push([title, `missing: ${state.missing}`]);
    if (own.length === 0) continue;
    const good = own.filter(ended);
    const value = median(good.map(measured.of));
    const ratio = measured.less ? base / value : value / base;
    if (good.length > 0) bars.push({ peer: title, value });
    rows.push([
      title,
      number(own[0]?.records ?? 0),
      String(own.length),
      good.length === 0 ? 'stalled' : range(good.map(measured.of)),
      good.length === 0 || base === 0 ? '' : `${ratio.toFixed(2)}`,
      ...(EXTRA[id]?.cells(own, all) ?? []),
      range(own.map(({ result }) => result?.inFlightMax ?? 0)),
      cpu(own),
      rss(own),
      counts(own),
    ]);
  }
  const columns = [
    'peer',
    'records',
    'runs',
    measured.column,
    'to Signalbox',
    ...(EXTRA[id]?.columns ?? []),
    'in flight at most',
    'CPU s',
    'RSS MB',
    'missing / doubled / out of order / overlapping',
  ];
  return { work: id, what, columns, rows, bars, unit: measured.unit, lessIsBetter: measured.less };
}

const EXTRA: Partial<
  Record<
    WorkId,
    { columns: readonly string[]; cells: (runs: readonly Run[], all: readonly Run[]) => string[] }
  >
> = {
  W3: { columns: ['s'], cells: (runs) => [range(runs.map(({ result }) => (result?.ms ?? 0) / 1_000))] },
  W4: {
    columns: ['p50 ms', 'p99 ms', 'max ms'],
    cells: (runs) => [
      range(runs.map(({ result }) => result?.p50Ms ?? 0)),
      range(runs.map(({ result }) => result?.p99Ms ?? 0)),
      range(runs.map(({ result }) => result?.maxMs ?? 0)),
    ],
  },
  W5: { columns: ['others done', 'of its own W2', 'committed past the stuck record'], cells: stuckCells },
  W6: { columns: ['rows done'], cells: (runs) => [range(runs.map(({ rows = 0 }) => rows))] },
};

function stuckCells(runs: readonly Run[], all: readonly Run[]): string[] {
  const share = median(
    runs.map(({ result, missing }) => (result?.done ?? 0) / ((result?.done ?? 0) + missing)),
  );
  const alone = all.filter((run) => run.work === 'W2' && run.peer === runs[0]?.peer && ended(run));
  const good = runs.filter(ended);
  const ofAlone =
    alone.length === 0 || good.length === 0
      ? ''
      : percent(median(good.map(RATE.of)) / median(alone.map(RATE.of)));
  return [percent(share), ofAlone, runs.every(({ honest }) => honest) ? 'no' : 'YES'];
}

function ended({ result }: Run): boolean {
  return result?.complete === true;
}

function counts(runs: readonly Run[]): string {
  const sum = (of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);
  return [
    sum(({ missing }) => missing),
    sum(({ result }) => result?.doubled ?? 0),
    sum(({ result }) => result?.outOfOrder ?? 0),
    sum(({ result }) => result?.overlapping ?? 0),
  ].join(' / ');
}

function cpu(runs: readonly Run[]): string {
  const own = range(runs.map(({ result }) => result?.cpuSeconds ?? 0));
  const servers = runs.flatMap(({ result }) => result?.serverCpuSeconds ?? []);
  return servers.length === 0 ? own : `${own} + server ${range(servers)}`;
}

function rss(runs: readonly Run[]): string {
  const own = range(runs.map(({ result }) => result?.rssMb ?? 0));
  const servers = runs.flatMap(({ result }) => result?.serverRssMb ?? []);
  return servers.length === 0 ? own : `${own} + server ${range(servers)}`;
}

function crashTable(crashes: readonly Session['crashes'][number][]): Table {
  const titles = new Map(PEERS.map(({ id, title }) => [id, title]));
  return {
    work: 'crash',
    what: WORKS.find(({ id }) => id === 'crash')?.what ?? '',
    columns: [
      'peer',
      'done at the kill',
      'committed at the kill',
      'never done',
      'done twice',
      'first done out of order',
      'resumed after s',
    ],
    rows: crashes.map((one) => [
      titles.get(one.peer) ?? one.peer,
      number(one.doneAtKill),
      number(one.committedAtKill),
      number(one.lost),
      number(one.doneTwice),
      number(one.outOfOrder),
      one.resumeMs === null ? 'never' : number(one.resumeMs / 1_000),
    ]),
    bars: [],
    unit: '',
    lessIsBetter: true,
  };
}

/** Median, and the range when there is one. */
function range(values: readonly number[]): string {
  const low = number(Math.min(...values));
  const high = number(Math.max(...values));
  return low === high ? low : `${number(median(values))} [${low} to ${high}]`;
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return '';
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en-US')
    : String(Math.round(value * 10) / 10);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
