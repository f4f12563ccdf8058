/** The site of the docs is built, each link on it leads to something, and one that leads nowhere stops the build. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { navigation } from '../../tools/docs-site/navigation.ts';
import { pages, ROOT } from '../../tools/docs-site/pages.ts';
import { assertAccessible, assertNoOverflow, launch, open } from '../browser/browser.ts';

const execute = promisify(execFile);
const BUILD_MS_MAX = 60_000;
const TOOL = join('tools', 'docs-site');
mkdirSync(join(ROOT, '.cache'), { recursive: true });
const scratch = mkdtempSync(join(ROOT, '.cache', 'docs-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function build(root: string, output: string): Promise<void> {
  const command = join(ROOT, 'node_modules', '@11ty', 'eleventy', 'cmd.cjs');
  const args = [command, `--config=${join(TOOL, 'config.ts')}`, `--output=${output}`];
  await execute(process.execPath, args, { cwd: root, timeout: BUILD_MS_MAX });
}

interface Place {
  readonly file: string;
  readonly anchor: string;
}

function placesIn(file: string, html: string): Place[] {
  return [...html.matchAll(/ (?:href|src)="([^"]+)"/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = '', anchor = ''] = link.split('#');
    return [{ file: path === '' ? file : join(dirname(file), path), anchor }];
  });
}

test('every page is there, and every link on it leads to something', async () => {
  const output = join(scratch, 'site');
  await build(ROOT, output);
  const files = globSync('**/*.html', { cwd: output });
  const texts = new Map(files.map((file) => [file, readFileSync(join(output, file), 'utf8')]));
  const all = pages();
  assert.ok(files.length >= all.length, `${files.length} files of ${all.length} pages`);
  assert.equal(
    navigation(all).flatMap(({ entries }) => entries).length,
    all.length,
    'each stands in the bar',
  );
  const places = [...texts].flatMap(([file, text]) => placesIn(file, text).map((to) => ({ from: file, to })));
  assert.ok(places.length > 500);
  const dead = places.filter(({ to: { file, anchor } }) => {
    if (!existsSync(join(output, file))) return true;
    return anchor !== '' && texts.get(file)?.includes(` id="${anchor}"`) !== true;
  });
  assert.deepEqual(dead, []);
});

test('in a browser: accessible, and no wider than a phone', async () => {
  const browser = await launch();
  try {
    for (const name of ['index', 'library/consumer', 'concepts/transaction', 'reference/errors']) {
      const url = pathToFileURL(join(scratch, 'site', `${name}.html`)).href;
      const { page } = await open(browser, url, { viewport: { width: 390, height: 844 } });
      await assertAccessible(page);
      await assertNoOverflow(page);
      await page.close();
    }
  } finally {
    await browser.close();
  }
});

test('a dead link stops the build', async () => {
  const root = join(scratch, 'dead');
  cpSync(join(ROOT, TOOL), join(root, TOOL), { recursive: true });
  mkdirSync(join(root, 'docs'));
  for (const path of ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'docs/index.md'])
    writeFileSync(join(root, path), `# ${path}\n`);
  await build(root, 'site');
  assert.ok(existsSync(join(root, 'site', 'index.html')));
  writeFileSync(join(root, 'docs', 'index.md'), '# Here\n\n[there](there.md)\n');
  await assert.rejects(
    build(root, 'site'),
    /docs\/index\.md: there\.md is dead: there is no docs\/there\.md/,
  );
});
