/** The site of the docs: `npm run docs` serves it while one writes, `npm run docs:build` makes it in `.cache/docs`. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { hrefOf, inputOf, type MarkdownIt, repositoryPath, SOURCE, siteFile, teacher } from './markdown.ts';
import { navigation } from './navigation.ts';
import { links, type Page, pages, ROOT, readPage, targetOf, title } from './pages.ts';

/** What is used of Eleventy, which has no types. */
interface EleventyConfig {
  amendLibrary(name: 'md', change: (markdown: MarkdownIt) => void): void;
  addGlobalData(name: string, value: unknown): void;
  addTemplate(path: string, content: string): void;
  addPassthroughCopy(files: Readonly<Record<string, string>> | string): void;
  addFilter(name: string, filter: (inputPath: string) => string): void;
  addWatchTarget(path: string): void;
  setQuietMode(quiet: boolean): void;
}

const FOLDER = 'tools/docs-site';

/** Files of the repository that pages lead to, and that are no pages of the docs; pages among them lead to more. */
function sources(all: readonly Page[]): string[] {
  const found = new Set(all.map(({ path }) => path).filter((path) => siteFile(path).startsWith(SOURCE)));
  const open = [...all];
  for (let page = open.pop(); page !== undefined; page = open.pop()) {
    for (const { target: link } of links(page)) {
      const path = targetOf(page.path, link)?.path;
      if (path === undefined || !siteFile(path).startsWith(SOURCE) || found.has(path)) continue;
      if (!existsSync(join(ROOT, path))) continue; // told where it stands
      found.add(path);
      if (path.endsWith('.md')) open.push(readPage(path));
    }
  }
  return [...found];
}

/** A file as a page: its text, or that of each file of a folder. */
function sourceText(path: string): string {
  const file = join(ROOT, path);
  if (path.endsWith('.md')) return readPage(path).text;
  if (!statSync(file).isDirectory()) return `# ${path}\n\n${codeOf(path)}`;
  const files = globSync(`${path}/*.*`, { cwd: ROOT }).sort();
  return [`# ${path}`, ...files.map((each) => `## ${each.slice(path.length + 1)}\n\n${codeOf(each)}`)].join(
    '\n\n',
  );
}

const LANGUAGE: Readonly<Record<string, string>> = { '.py': 'python', '.yml': 'yaml' };

function codeOf(path: string): string {
  const extension = extname(path);
  const marks = '`'.repeat(6);
  const language = LANGUAGE[extension] ?? extension.slice(1);
  return `${marks}${language}\n${readFileSync(join(ROOT, path), 'utf8')}${marks}\n`;
}

function navigationHtml(all: readonly Page[], current: string): string {
  const sections = navigation(all).map(({ name, entries }) => {
    const items = entries.map(({ path, title: text }) => {
      const mark = path === current ? ' aria-current="page"' : '';
      return `<li><a href="${hrefOf(siteFile(current), siteFile(path))}"${mark}>${escaped(text)}</a></li>`;
    });
    return `<section><h2>${name}</h2><ul>${items.join('')}</ul></section>`;
  });
  return sections.join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

export default async function site(config: EleventyConfig): Promise<object> {
  const all = pages();
  config.amendLibrary('md', await teacher());
  config.addGlobalData('layout', 'layout.liquid');
  config.addGlobalData('permalink', () => (data: { readonly page: { readonly inputPath: string } }) => {
    return siteFile(repositoryPath(data.page.inputPath));
  });
  config.addFilter('title', (inputPath) => {
    const path = repositoryPath(inputPath);
    return escaped(path.endsWith('.md') ? title(readPage(path)) : path);
  });
  config.addFilter('navigation', (inputPath) => navigationHtml(all, repositoryPath(inputPath)));
  config.addFilter('top', (inputPath) => hrefOf(siteFile(repositoryPath(inputPath)), 'x').slice(0, -1));
  for (const path of sources(all)) config.addTemplate(inputOf(path), sourceText(path));
  config.addPassthroughCopy({ [`${FOLDER}/site.css`]: 'site.css' });
  config.addPassthroughCopy('docs/**/*.{svg,png,json}');
  config.addWatchTarget(FOLDER);
  config.setQuietMode(true);
  return {
    dir: { input: 'docs', includes: `../${FOLDER}`, output: '.cache/docs' },
    markdownTemplateEngine: false,
    templateFormats: ['md'],
  };
}
