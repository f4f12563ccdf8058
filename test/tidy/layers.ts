/** Imports run one way (style.md): core → nothing; engine → core; what stands outside → the ports and core. */
import { isTest, type Source, target } from './sources.ts';

/** The part of src a file belongs to: `core`, `adapters/kafka`, `index`, `ports` for the doors of the engine. */
type Part = string;

/** The doors of the engine, and what they speak of. */
const PORTS = /^src\/engine\/(ports(-[a-z]+)*|points|options)\.ts$/;

/** The only files that may import adapters; tests and bench may too. */
const COMPOSE = /^src\/cli\/compose(-[a-z]+)?\.ts$/;

/** What each part may import besides itself; `all` is everything but adapters. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'all'>> = {
  core: [],
  // Ports are in the engine's own folder; the ports themselves may not import the rest of it.
  ports: ['core'],
  engine: ['core', 'ports'],
  config: ['core', 'ports'],
  adapters: ['core', 'ports'],
  conformance: ['core', 'ports'],
  checkers: ['core', 'ports'],
  api: ['core', 'ports'],
  lanes: ['core'],
  consumer: ['core', 'ports', 'lanes'],
  // The events of a consumer and of an embedded Signalbox are read the same way.
  library: ['core', 'ports', 'consumer'],
  testing: ['core', 'ports', 'sim', 'library'],
  site: ['core', 'ports'],
  demo: ['core', 'ports', 'site'],
  sim: ['core', 'ports', 'engine', 'checkers'],
  cli: 'all',
  index: 'all',
  'index-consumer': 'all',
  'index-testing': 'all',
};

function partOf(path: string): Part {
  if (PORTS.test(path)) return 'ports';
  const [, folder = '', second = ''] = path.split('/');
  if (folder === 'adapters') return `adapters/${second}`;
  return folder.replace(/\.ts$/, '');
}

function isAdapter(part: Part): boolean {
  return part.startsWith('adapters/');
}

/** Violations of the layers by files of src; tests may import anything. */
export function layers(sources: readonly Source[]): string[] {
  const violations: string[] = [];
  for (const source of sources) {
    if (!source.path.startsWith('src/') || isTest(source.path) || COMPOSE.test(source.path)) continue;
    const from = partOf(source.path);
    for (const { specifier, at } of source.imports) {
      const path = target(source, specifier);
      if (path === null) continue;
      const problem = path.startsWith('src/') ? forbidden(from, path) : `leaves src: ${specifier}`;
      if (problem !== null) violations.push(`${at} ${problem}`);
    }
  }
  return violations;
}

function forbidden(from: Part, path: string): string | null {
  if (isTest(path)) return `imports the test ${path}`;
  const to = partOf(path);
  if (to === from) return null;
  if (isAdapter(to)) {
    return isAdapter(from)
      ? `the adapter ${from} imports the adapter ${to}; adapters never import each other`
      : `${from} imports ${path}; only src/cli/compose*.ts imports adapters`;
  }
  const allowed = MAY_IMPORT[isAdapter(from) ? 'adapters' : from];
  if (allowed === undefined) return `${from} is in no layer: name it in test/tidy/layers.ts`;
  if (allowed === 'all' || allowed.includes(to)) return null;
  const layer = allowed.length === 0 ? 'nothing else' : `only ${allowed.join(', ')}`;
  return `${from} imports ${path}; it may import ${layer}`;
}

/** Import cycles among the files of src, type imports included; each once, as the files on it. */
export function cycles(sources: readonly Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path));
  const graph = new Map(
    sources.map((source) => [
      source.path,
      source.imports.flatMap(({ specifier }) => {
        const path = target(source, specifier);
        return path !== null && paths.has(path) ? [path] : [];
      }),
    ]),
  );
  const violations: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) violations.push([...trail.slice(start), path].join(' → '));
    if (start !== -1 || finished.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return violations;
}
