/** What the docs show compiles, runs, and exists. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { fences, pages, ROOT } from '../../tools/docs-site/pages.ts';
import { type Block, blocksOf, writeBlocks } from './block-files.ts';

const execute = promisify(execFile);
const RUN_MS = 120_000;
const all = pages();
const blocks = all.flatMap(blocksOf);
const folders: string[] = [];

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Errors of the compiler in these blocks, each with the page and the line on which it stands. */
async function typeErrors(given: readonly Block[]): Promise<string[]> {
  const { folder, files } = writeBlocks(given);
  folders.push(folder);
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const { stdout } = await execute(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  return stdout.split('\n').flatMap((line) => {
    const [, file, at, text] = /^([^(]+)\((\d+),\d+\): (.*)$/.exec(line) ?? [];
    const found = files.find((each) => basename(each.file) === basename(file ?? ''));
    return found === undefined ? [] : [`${found.block.path}:${at} ${text}`];
  });
}

describe('blocks of TypeScript', () => {
  it('compile under the names of the package', async () => {
    const checked = blocks.filter(({ unchecked }) => unchecked === null);
    assert.ok(checked.length >= 10, `${checked.length} blocks`);
    assert.deepEqual(await typeErrors(checked), []);
  });

  it('and one that does not compile is found, on its line', async () => {
    const text = `# X\n\n\`\`\`ts\nimport { Lanes } from 'signalbox/lanes';\nnew Lanes({ concurency: 1 });\n\`\`\`\n`;
    const [found = ''] = await typeErrors(blocksOf({ path: 'docs/x.md', text }));
    assert.match(found, /^docs\/x\.md:5 error TS\d+: .*concurency/);
  });

  const running = blocks.filter(({ runs }) => runs);
  const { folder, files } = writeBlocks(running);
  folders.push(folder);
  for (const { block, file } of files) {
    it(`${block.path}:${block.line} runs`, async () => {
      const { stdout } = await execute(process.execPath, [file], { timeout: RUN_MS, cwd: folder });
      if (block.output !== null) assert.equal(stdout, block.output);
    });
  }

  it('what is not compiled says why', () => {
    const reasons = blocks.flatMap(({ unchecked }) => (unchecked === null ? [] : [unchecked]));
    assert.ok(reasons.every((reason) => reason.length > 10));
    assert.ok(reasons.length <= blocks.length / 10, 'and is rare');
  });
});

it('blocks of JSON are JSON', () => {
  const flaws = all.flatMap((page) =>
    fences(page).flatMap(({ info, text, line }) => {
      if (info !== 'json') return [];
      try {
        JSON.parse(text);
        return [];
      } catch (error) {
        return [`${page.path}:${line} ${error}`];
      }
    }),
  );
  assert.deepEqual(flaws, []);
});

describe('commands', () => {
  const shown = all.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) =>
      [...line.matchAll(/(?:npx |^|`)signalbox ([a-z][^`#|]*)/g)].map(([, words = '']) => ({
        at: `${path}:${index + 1}`,
        words: words.trim().split(/\s+/),
      })),
    ),
  );

  const helps = new Map<string, Promise<string>>();
  /** Null: there is no such command. */
  function help(...command: readonly string[]): Promise<string> {
    const name = command.join(' ');
    const known =
      helps.get(name) ??
      execute(process.execPath, [join(ROOT, 'bin', 'signalbox.js'), ...command, '--help']).then(
        ({ stdout }) => stdout,
        () => '',
      );
    helps.set(name, known);
    return known;
  }

  it('of signalbox exist, with the flags they are given', async () => {
    assert.ok(shown.length > 20);
    const flaws: string[] = [];
    for (const { at, words } of shown) {
      const [command = '', second = ''] = words;
      let text = await help(command);
      if (new RegExp(`^  ${second}\\b`, 'm').test(text) && /^[a-z]/.test(second))
        text += await help(command, second);
      if (!text.startsWith(`Usage: signalbox ${command}`)) flaws.push(`${at} there is no ${command}`);
      for (const [flag] of words.join(' ').matchAll(/--[a-z-]+/g))
        if (!text.includes(flag)) flaws.push(`${at} ${command} has no ${flag}`);
    }
    assert.deepEqual(flaws, []);
  });

  it('of npm are scripts', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const used = all.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map(([, name = '']) => ({ path, name })),
    );
    assert.ok(used.length > 3);
    assert.deepEqual(
      used.filter(({ name }) => scripts[name] === undefined),
      [],
    );
  });
});
