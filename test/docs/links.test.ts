/** Every link of the docs leads somewhere. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { anchors, flawOf, links, type Page, pages, ROOT, targetOf } from '../../tools/docs-site/pages.ts';

function deadLinks(page: Page): string[] {
  return links(page).flatMap(({ target: link, line }) => {
    const target = targetOf(page.path, link);
    const flaw = target === null ? null : flawOf(target);
    return flaw === null ? [] : [`${page.path}:${line} ${link}: ${flaw}`];
  });
}

test('links between pages, to files and to headings', () => {
  const all = pages();
  assert.ok(all.flatMap(links).length > 100, 'there are links');
  assert.deepEqual(all.flatMap(deadLinks), []);
});

test('dead ones are found', () => {
  const text =
    '# A `b` (c)\n[x](start.md#nothing) [x](none.md) ![x](a.svg)\n```\n[x](none.md)\n```\n`[x](none.md)`';
  const page = {
    path: 'docs/x.md',
    text: `${text}\n[x](#a-b-c) [x](start.md) [x](https://example.com)\n<img alt="" src="b.png">`,
  };
  assert.deepEqual(anchors(page), ['a-b-c']);
  const own = { ...page, text: page.text.replace('[x](#a-b-c)', '') };
  assert.deepEqual(deadLinks(own), [
    'docs/x.md:2 start.md#nothing: docs/start.md has no #nothing',
    'docs/x.md:2 none.md: there is no docs/none.md',
    'docs/x.md:2 a.svg: there is no docs/a.svg',
    'docs/x.md:8 b.png: there is no docs/b.png',
  ]);
});

test('drawings are shown on a page, say in words what they show, and follow light and dark', () => {
  const shown = new Set(
    pages().flatMap((page) => links(page).map(({ target }) => targetOf(page.path, target)?.path)),
  );
  const drawings = globSync('docs/concepts/*.svg', { cwd: ROOT });
  assert.ok(drawings.length >= 5);
  for (const path of drawings) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    assert.ok(shown.has(path), `${path} is on no page`);
    assert.match(
      text,
      /role="img" aria-labelledby="t d">\n<title id="t">.+<\/title>\n<desc id="d">.{50,}<\/desc>/,
    );
    assert.match(text, /prefers-color-scheme:dark/);
  }
});
