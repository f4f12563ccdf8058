/** Which page stands where: groups in the order of the bar, pages in the order named here, others behind them by name. */
import { type Page, title } from './pages.ts';

interface Group {
  readonly name: string;
  /** A path without `docs/` and `.md`, or a folder with its slash at the end. */
  readonly of: readonly string[];
}

/** What no group names is in the last one. */
const GROUPS: readonly Group[] = [
  { name: 'Start', of: ['index', 'start'] },
  {
    name: 'Concepts',
    of: ['concepts/lanes', 'concepts/watermark', 'concepts/transaction', 'concepts/take-over', 'concepts/'],
  },
  { name: 'Operate', of: ['operate', 'operations', 'security', 'alerts'] },
  {
    name: 'Library',
    of: ['library/index', 'library/lanes', 'library/consumer', 'library/transactions', 'library/'],
  },
  { name: 'Migrate', of: ['migrate/semaphores', 'migrate/'] },
  {
    name: 'Reference',
    of: ['reference/cli', 'reference/configuration', 'reference/', 'benchmarks', 'performance'],
  },
  { name: 'Guarantees', of: ['guarantees', 'model'] },
  { name: 'Project', of: [] },
];

export interface Entry {
  readonly path: string;
  readonly title: string;
}

export interface Section {
  readonly name: string;
  readonly entries: readonly Entry[];
}

/** Groups that have pages. */
export function navigation(pages: readonly Page[]): Section[] {
  const placed = pages.map((page) => ({ page, at: placeOf(page.path) }));
  placed.sort((a, b) => a.at.rank - b.at.rank || (a.page.path < b.page.path ? -1 : 1));
  return GROUPS.map(({ name }, group) => ({
    name,
    entries: placed
      .filter(({ at }) => at.group === group)
      .map(({ page }) => ({ path: page.path, title: page.path === 'README.md' ? 'Readme' : title(page) })),
  })).filter(({ entries }) => entries.length > 0);
}

function placeOf(path: string): { readonly group: number; readonly rank: number } {
  const name = path.replace(/^docs\//, '').replace(/\.md$/, '');
  for (const exact of [true, false]) {
    for (const [group, { of }] of GROUPS.entries()) {
      const rank = of.findIndex((each) =>
        exact ? each === name : each.endsWith('/') && name.startsWith(each),
      );
      if (rank !== -1) return { group, rank };
    }
  }
  return { group: GROUPS.length - 1, rank: 0 };
}
