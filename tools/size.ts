/**
 * What importing each entry of the package loads: modules of ours and their bytes as they are in dist/, gzipped together, and
 * the packages they need at once. What an entry loads later, when it is used, is not counted.
 *
 *   npm run size
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const ROOT = resolve(import.meta.dirname, '..');

export interface EntrySize {
  /** As one imports it. */
  readonly entry: string;
  readonly modules: number;
  readonly bytes: number;
  readonly gzippedBytes: number;
  /** Of others, by name; those of Node.js are not among them. */
  readonly packages: readonly string[];
}

export function entrySizes(): EntrySize[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly default: string }>;
  };
  return Object.entries(exports).flatMap(([entry, target]) =>
    typeof target === 'string' ? [] : [sizeOf(entry.replace(/^\./, 'signalbox'), join(ROOT, target.default))],
  );
}

function sizeOf(entry: string, start: string): EntrySize {
  const texts = new Map<string, string>();
  const packages = new Set<string>();
  const walk = (path: string): void => {
    if (texts.has(path)) return;
    if (!existsSync(path)) throw new Error(`${path} is missing: run npm run build`);
    const text = readFileSync(path, 'utf8');
    texts.set(path, text);
    for (const specifier of staticImports(text)) {
      if (specifier.startsWith('.')) walk(resolve(dirname(path), specifier));
      else if (!specifier.startsWith('node:')) packages.add(packageOf(specifier));
    }
  };
  walk(start);
  const all = [...texts.values()].join('\n');
  return {
    entry,
    modules: texts.size,
    bytes: Buffer.byteLength(all),
    gzippedBytes: gzipSync(all).length,
    packages: [...packages].sort(),
  };
}

/** Of `import … from 'x'`, `import 'x'` and `export … from 'x'` as the compiler writes them. */
function staticImports(text: string): string[] {
  const found = text.matchAll(/^(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"];?$/gm);
  return [...found].map(([, specifier = '']) => specifier);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

if (import.meta.main) {
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`.padStart(9);
  for (const { entry, modules, bytes, gzippedBytes, packages } of entrySizes()) {
    const needs = packages.length === 0 ? 'no package' : packages.join(', ');
    console.log(
      `${entry.padEnd(20)} ${String(modules).padStart(3)} modules ${kilobytes(bytes)}, gzipped ${kilobytes(gzippedBytes)}; needs ${needs}`,
    );
  }
}
