/**
 * The files that the tidy rules look at, and the syntax trees of those that are TypeScript. Rules are functions
 * from files to violations, so that each can be given a bad example.
 */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

export const ROOT = resolve(import.meta.dirname, '../..');

/** A file by its path from the root of the repository. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface Source extends TextFile {
  readonly tree: SourceFile;
  /** Every module named by import, export … from, import() and import type. */
  readonly imports: readonly { readonly specifier: string; readonly at: string }[];
}

const OURS = ['src', 'test', 'tools', 'bench', 'examples'];
const TEXT = 'ts,js,sql,html,css,md,json,sh';

/** Every text file of ours, the docs included. */
export function ourFiles(): TextFile[] {
  const names = globSync([...OURS.map((folder) => `${folder}/**/*.{${TEXT}}`), 'docs/**/*.md', '*.md'], {
    cwd: ROOT,
    exclude: (name) => name.includes('node_modules'),
  });
  return names.sort().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Parses the TypeScript files among `files`, without looking at the disk. */
export function parse(files: readonly TextFile[]): Source[] {
  const root = '/tidy';
  const texts = new Map(files.map(({ path, text }) => [`${root}/${path}`, text]));
  const typescript = files.filter(({ path }) => path.endsWith('.ts'));
  // No libraries and no resolution: only the syntax is asked for.
  const options = { noLib: true, noResolve: true, types: [], module: 'nodenext', noEmit: true };
  const config = `${root}/tsconfig.json`;
  const names = typescript.map(({ path }) => `${root}/${path}`);
  texts.set(config, JSON.stringify({ compilerOptions: options, files: names }));
  const folders = new Set([...texts.keys()].flatMap(foldersOf));
  const api = new API({
    cwd: root,
    fs: {
      readFile: (name) => texts.get(name) ?? null,
      fileExists: (name) => texts.has(name),
      directoryExists: (name) => folders.has(name),
      getAccessibleEntries: () => ({ files: [], directories: [] }),
      realpath: (name) => name,
    },
  });
  try {
    using snapshot = api.updateSnapshot({ openProjects: [config] });
    const project = snapshot.getProject(config);
    return typescript.map(({ path, text }) => {
      const tree = project?.program.getSourceFile(`${root}/${path}`);
      if (tree === undefined) throw new Error(`TypeScript did not parse ${path}`);
      const imports = tree.imports.map((node) => ({
        specifier: node.getText(tree).slice(1, -1),
        at: place({ path, tree }, node),
      }));
      return { path, text, tree, imports };
    });
  } finally {
    api.close();
  }
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/') || '/');
}

/** `path:line` of a node, for messages. */
export function place(source: Pick<Source, 'path' | 'tree'>, node: Node): string {
  const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree));
  return `${source.path}:${line + 1}`;
}

/** Calls `visit` for every node of the tree, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}

/** The path a relative import names; null for a package. */
export function target(source: Pick<Source, 'path'>, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return join(source.path, '..', specifier);
}
