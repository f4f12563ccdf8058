/** The outer shape of files: length of files and functions, names, left-over notes, comments of SQL files. */
import { SyntaxKind } from 'typescript/unstable/ast';
import { isTest, place, type Source, type TextFile, walk } from './sources.ts';

/** A file is read in one sitting, a function on one screen (style.md). Tests are exempt. */
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

const FUNCTIONS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

export function fileLength(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (!path.endsWith('.ts') || isTest(path)) return [];
    const lines = text.replace(/\n$/, '').split('\n').length;
    return lines > FILE_LINES_MAX ? [`${path} has ${lines} lines, at most ${FILE_LINES_MAX}`] : [];
  });
}

export function functionLength(sources: readonly Source[]): string[] {
  const violations: string[] = [];
  for (const source of sources) {
    if (isTest(source.path)) continue;
    const lineAt = (position: number): number => source.tree.getLineAndCharacterOfPosition(position).line;
    walk(source.tree, (node) => {
      if (!FUNCTIONS.has(node.kind)) return;
      const lines = lineAt(node.getEnd()) - lineAt(node.getStart(source.tree)) + 1;
      if (lines <= FUNCTION_LINES_MAX) return;
      violations.push(`${place(source, node)} a function of ${lines} lines, at most ${FUNCTION_LINES_MAX}`);
    });
  }
  return violations;
}

const KEBAB = '[a-z0-9]+(-[a-z0-9]+)*';
const SCRIPT_NAME = new RegExp(`^${KEBAB}(\\.(test|d))?\\.(ts|js)$`);
/** Migrations are numbered. */
const SQL_NAME = new RegExp(`^(\\d{4}_)?${KEBAB}\\.sql$`);
const FOLDER_NAME = new RegExp(`^${KEBAB}$`);

export function fileNames(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path }) => {
    const folders = path.split('/');
    const name = folders.pop() ?? '';
    if (!/\.(ts|js|sql)$/.test(name)) return [];
    const good = (name.endsWith('.sql') ? SQL_NAME : SCRIPT_NAME).test(name);
    const bad = [...folders.filter((folder) => !FOLDER_NAME.test(folder)), ...(good ? [] : [name])];
    return bad.map((part) => `${path}: ${part} is not kebab-case`);
  });
}

/** Put together, so that this file does not hold the words itself. */
const NOTE = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X'.repeat(3)].join('|')})\\b`);

export function leftOverNotes(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const found = NOTE.exec(line);
      return found === null ? [] : [`${path}:${index + 1} ${found[0]}: do it, or write it down elsewhere`];
    }),
  );
}

export function sqlComments(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    path.endsWith('.sql') && !/^\s*(--|\/\*)/.test(text)
      ? [`${path} does not start with a comment that says what it does and which plan it relies on`]
      : [],
  );
}
