/**
 * The blocks of TypeScript in the docs as files, where the names of the package mean what they mean to a user.
 *
 * ```ts               compiled
 * ```ts run           compiled and run; a block ```text output right behind it is what it prints
 * ```ts continues     the text of the block before it, and more
 * ```ts no-check: …   not compiled, and why
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Fence, fences, type Page, ROOT } from '../../tools/docs-site/pages.ts';

export interface Block {
  readonly path: string;
  readonly line: number;
  readonly code: string;
  readonly runs: boolean;
  /** Null: nothing is said about what it prints. */
  readonly output: string | null;
  /** Null: it is compiled. */
  readonly unchecked: string | null;
}

const INFO = /^ts(?: (run|continues|no-check(?:: (.*))?))?$/;

export function blocksOf(page: Page): Block[] {
  const all = fences(page);
  const found: Block[] = [];
  for (const [index, { info, text, line }] of all.entries()) {
    if (!/^(ts|typescript)\b/.test(info)) continue;
    const [known, mark, reason] = INFO.exec(info) ?? [];
    if (known === undefined) throw new Error(`${page.path}:${line - 1} unknown mark: ${info}`);
    if (mark?.startsWith('no-check') && reason === undefined)
      throw new Error(`${page.path}:${line - 1} no-check without a reason`);
    const before = mark === 'continues' ? found.at(-1) : undefined;
    found.push({
      path: page.path,
      line: before?.line ?? line,
      code: before === undefined ? text : `${padded(before, line)}${text}`,
      runs: mark === 'run',
      output: outputBehind(all, index),
      unchecked: reason ?? null,
    });
  }
  return found;
}

/** The block before, with empty lines to where the next one stands, so that lines keep their numbers. */
function padded({ code, line }: Block, next: number): string {
  return code + '\n'.repeat(Math.max(0, next - line - code.split('\n').length + 1));
}

function outputBehind(all: readonly Fence[], index: number): string | null {
  const next = all[index + 1];
  return next?.info === 'text output' ? next.text : null;
}

export interface BlockFile {
  readonly block: Block;
  readonly file: string;
}

/** Inside of the repository, so that `signalbox` and its dependencies are found; nothing there is committed. */
export function writeBlocks(blocks: readonly Block[]): { folder: string; files: BlockFile[] } {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache', 'docs-blocks-'));
  const files = blocks.map((block, index) => {
    const file = join(folder, `${block.path.replaceAll(/[/.]/g, '-')}-${index}.ts`);
    writeFileSync(file, `${'\n'.repeat(block.line - 1)}${block.code}\nexport {};\n`);
    return { block, file };
  });
  const config = { extends: '../../tsconfig.json', include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return { folder, files };
}
