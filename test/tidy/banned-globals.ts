/** core and engine know no global clock, timer, random source, process or console: the World port gives them. */
import {
  isCallExpression,
  isIdentifier,
  isNewExpression,
  isPropertyAccessExpression,
  isShorthandPropertyAssignment,
  type Node,
} from 'typescript/unstable/ast';
import { isTest, place, type Source, walk } from './sources.ts';

const WALL = 'use World.now()';
const TIMER = 'use World.after()';
const RANDOM = 'use World.random()';

/** Names that may not be used at all, and what to use instead. */
const NAMES = new Map([
  ['setTimeout', TIMER],
  ['setInterval', TIMER],
  ['setImmediate', 'use World.soon()'],
  ['performance', 'use World.monotonic()'],
  ['process', 'take what you need as an argument'],
  ['console', 'tell the Observer, or throw a SignalboxError'],
  ['globalThis', 'use a port'],
]);

/** Members of a global that may not be used. */
const MEMBERS = new Map([
  ['Date.now', WALL],
  ['Math.random', RANDOM],
  ['crypto.randomUUID', RANDOM],
  ['crypto.getRandomValues', RANDOM],
  ['AbortSignal.timeout', TIMER],
]);

/** Modules that give the same by another name. */
const MODULES = new Map([
  ['node:timers', TIMER],
  ['node:timers/promises', TIMER],
  ['node:perf_hooks', 'use World.monotonic()'],
  ['node:process', 'take what you need as an argument'],
  ['node:console', 'tell the Observer, or throw a SignalboxError'],
]);

/** Functions of node:crypto that are random; hashes are not. */
const RANDOM_IMPORTS = ['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'randomFillSync'];

export function bannedGlobals(sources: readonly Source[]): string[] {
  const violations: string[] = [];
  for (const source of sources) {
    if (!/^src\/(core|engine)\//.test(source.path) || isTest(source.path)) continue;
    for (const { specifier, at } of source.imports) {
      const instead = MODULES.get(specifier);
      if (instead !== undefined) violations.push(`${at} imports ${specifier}: ${instead}`);
    }
    walk(source.tree, (node) => {
      const found = banned(node, source);
      if (found !== null) violations.push(`${place(source, node)} uses ${found}`);
    });
  }
  return violations;
}

function banned(node: Node, source: Source): string | null {
  if (isPropertyAccessExpression(node)) {
    const name = node.getText(source.tree);
    const instead = MEMBERS.get(name);
    return instead === undefined ? null : `${name}: ${instead}`;
  }
  if (isNewExpression(node) || isCallExpression(node)) {
    const clock = node.expression.getText(source.tree) === 'Date' && (node.arguments ?? []).length === 0;
    return clock ? `the clock through Date(): ${WALL}` : null;
  }
  if (!isIdentifier(node)) return null;
  if (RANDOM_IMPORTS.includes(node.text) && isNamed(source, 'node:crypto') && !isMember(node)) {
    return `${node.text} of node:crypto: ${RANDOM}`;
  }
  const instead = NAMES.get(node.text);
  return instead === undefined || isMember(node) ? null : `${node.text}: ${instead}`;
}

function isNamed(source: Source, module: string): boolean {
  return source.imports.some(({ specifier }) => specifier === module);
}

/** Whether the identifier only names a member or a declaration: `x.process`, `{ process: 1 }`, `process(): void`. */
function isMember(node: Node): boolean {
  const { parent } = node;
  if (isShorthandPropertyAssignment(parent)) return false;
  const { name, propertyName } = parent as { name?: Node; propertyName?: Node };
  return [name, propertyName].some(
    (other) => other !== undefined && other.pos === node.pos && other.end === node.end,
  );
}
