/** From the Markdown of the repository to that of the site: anchors as GitHub makes them, links to pages, coloured code. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createCssVariablesTheme, createHighlighter } from 'shiki';
import { flawOf, ROOT, slugs, targetOf } from './pages.ts';

/** What is used of markdown-it, which Eleventy brings. */
export interface Token {
  readonly type: string;
  content: string;
  readonly children: readonly Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}
interface State {
  readonly tokens: readonly Token[];
  readonly env: { readonly page: { readonly inputPath: string } };
}
export interface MarkdownIt {
  set(options: { readonly highlight: (code: string, language: string) => string }): void;
  readonly core: { readonly ruler: { push(name: string, rule: (state: State) => void): void } };
}

/** Files of the repository that are no page of the docs are shown below this folder. */
export const SOURCE = 'source/';

/** Where the page of a file is on the site. */
export function siteFile(path: string): string {
  const inDocs = path.startsWith('docs/');
  if (inDocs && path.endsWith('.md')) return path.slice('docs/'.length).replace(/\.md$/, '.html');
  if (inDocs && /\.(svg|png|json)$/.test(path)) return path.slice('docs/'.length);
  return `${SOURCE}${path.replace(/\.md$/, '')}.html`;
}

/** From one page of the site to another. */
export function hrefOf(from: string, to: string): string {
  return relative(`/${from}/..`, `/${to}`);
}

/** The input of Eleventy for a file that is no page of the docs. */
export function inputOf(path: string): string {
  return `${SOURCE}${path.replace(/\.md$/, '')}.md`;
}

/** The file of the repository that an input of Eleventy stands for. */
export function repositoryPath(inputPath: string): string {
  const path = inputPath.replace(/^\.\//, '');
  if (!path.startsWith(`docs/${SOURCE}`)) return path;
  const file = path.slice(`docs/${SOURCE}`.length);
  return existsSync(join(ROOT, file)) ? file : file.replace(/\.md$/, '');
}

const LANGUAGES = ['ts', 'js', 'json', 'sql', 'sh', 'python', 'java', 'yaml'];

/** What makes of a plain Markdown that of the site; a dead link throws, so that no site with one is built. */
export async function teacher(): Promise<(markdown: MarkdownIt) => void> {
  const theme = createCssVariablesTheme({ name: 'signalbox', variablePrefix: '--code-' });
  const highlighter = await createHighlighter({ themes: [theme], langs: LANGUAGES });
  const highlight = (code: string, language: string): string =>
    highlighter.codeToHtml(code, {
      lang: LANGUAGES.includes(language) ? language : 'text',
      theme: 'signalbox',
    });
  return (markdown) => teach(markdown, highlight);
}

function teach(markdown: MarkdownIt, highlight: (code: string, language: string) => string): void {
  markdown.set({ highlight });
  markdown.core.ruler.push('anchors', ({ tokens }) => {
    const slug = slugs();
    for (const [index, token] of tokens.entries()) {
      if (token.type !== 'heading_open') continue;
      const parts = tokens[index + 1]?.children ?? [];
      token.attrSet('id', slug(parts.map(({ content }) => content).join('')));
    }
  });
  // What is wider than a phone scrolls, and what scrolls must be reached by the keyboard.
  markdown.core.ruler.push('tables', ({ tokens }) => {
    for (const token of tokens) if (token.type === 'table_open') token.attrSet('tabindex', '0');
  });
  markdown.core.ruler.push('links', ({ tokens, env }) => {
    const from = repositoryPath(env.page.inputPath);
    for (const token of tokens.flatMap((each) => [each, ...(each.children ?? [])])) {
      if (token.type === 'link_open') turn(token, 'href', from);
      else if (token.type === 'image') turn(token, 'src', from);
      else if (token.type.startsWith('html_')) token.content = turnedHtml(token.content, from);
    }
  });
}

function turn(token: Token, attribute: string, from: string): void {
  token.attrSet(attribute, turned(token.attrGet(attribute) ?? '', from));
}

function turnedHtml(html: string, from: string): string {
  return html.replaceAll(/ (src|srcset|href)="([^"]+)"/g, (_, name: string, link: string) => {
    return ` ${name}="${turned(link, from)}"`;
  });
}

function turned(link: string, from: string): string {
  const target = targetOf(from, link);
  if (target === null) return link;
  const flaw = flawOf(target);
  if (flaw !== null) throw new Error(`${from}: ${link} is dead: ${flaw}`);
  const anchor = target.anchor === '' ? '' : `#${target.anchor}`;
  const path = target.path === from ? '' : hrefOf(siteFile(from), siteFile(target.path));
  return path === '' && anchor === '' ? '#' : `${path}${anchor}`;
}
