/** The pages of the docs as text: headings with the anchors that GitHub gives them, links, blocks of code. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Fence {
  /** What stands behind the three backticks. */
  readonly info: string;
  readonly text: string;
  /** Line of the page on which its text begins, from 1. */
  readonly line: number;
}

export interface Target {
  /** From the root of the repository. */
  readonly path: string;
  /** Without its #; empty: the top of the page. */
  readonly anchor: string;
}

const WITH_DOCS = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'];

/** Everything that is published: docs, and the pages at the root that belong to them. */
export function pages(): Page[] {
  return [...globSync('docs/**/*.md', { cwd: ROOT }).sort(), ...WITH_DOCS].map(readPage);
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') };
}

export function fences({ text }: Page): Fence[] {
  const found: Fence[] = [];
  let open: { readonly info: string; readonly line: number; readonly lines: string[] } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^```(.*)$/.exec(line);
    if (mark === null) open?.lines.push(line);
    else if (open === null) open = { info: (mark[1] ?? '').trim(), line: index + 2, lines: [] };
    else {
      found.push({ info: open.info, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = null;
    }
  }
  if (open !== null) throw new Error(`a block of code is not closed: line ${open.line}`);
  return found;
}

/** The text with its blocks of code as empty lines, so that lines keep their numbers. */
function prose({ text }: Page): string[] {
  let inside = false;
  return text.split('\n').map((line) => {
    if (!line.startsWith('```')) return inside ? '' : line;
    inside = !inside;
    return '';
  });
}

export function title(page: Page): string {
  const line = prose(page).find((each) => each.startsWith('# '));
  if (line === undefined) throw new Error(`${page.path} has no title`);
  return plain(line.slice(2));
}

/** Anchors of its headings, in order. */
export function anchors(page: Page): string[] {
  const slug = slugs();
  return prose(page).flatMap((line) => {
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1];
    return heading === undefined ? [] : [slug(plain(heading))];
  });
}

/** One slug after the other, as GitHub makes them: what comes again gets a number. */
export function slugs(): (heading: string) => string {
  const seen = new Map<string, number>();
  return (heading) => {
    const slug = heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  };
}

/** A heading as it is read: without marks of code, emphasis and links. */
function plain(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*]/g, '')
    .trim();
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

const LINK = /\]\(([^)\s]+)\)|<[^>]* (?:src|srcset|href)="([^"]+)"/g;

/** Links and pictures, those of HTML too, those inside of code left out. */
export function links(page: Page): Link[] {
  return prose(page).flatMap((line, index) =>
    [...line.replaceAll(/`[^`]*`/g, '').matchAll(LINK)].map(([, target, ofTag = '']) => ({
      target: target ?? ofTag,
      line: index + 1,
    })),
  );
}

/** Null: it leads out of the repository. */
export function targetOf(from: string, link: string): Target | null {
  if (/^[a-z]+:/.test(link)) return null;
  const [path = '', anchor = ''] = link.split('#');
  return { path: path === '' ? from : normalize(join(dirname(from), path)).replace(/\/$/, ''), anchor };
}

/** What is wrong with where it leads; null: nothing. */
export function flawOf(target: Target): string | null {
  const file = join(ROOT, target.path);
  if (!existsSync(file)) return `there is no ${target.path}`;
  if (target.anchor === '' || statSync(file).isDirectory()) return null;
  if (!target.path.endsWith('.md')) return `${target.path} has no anchors`;
  if (anchors(readPage(target.path)).includes(target.anchor)) return null;
  return `${target.path} has no #${target.anchor}`;
}
