/**
 * Builds the page of dashboard/ into dashboard/dist, unless what is there is newer than its sources. `npm start`,
 * `npm test` and `npm run build` come through here, so a fresh checkout always has it.
 */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '..', 'dashboard');
const built = join(folder, 'dist', 'index.html');
const vite = resolve(import.meta.dirname, '..', 'node_modules', 'vite', 'bin', 'vite.js');

/** Unix time in ms of the newest source. */
function newest(): number {
  const sources = ['index.html', 'package.json', 'vite.config.ts', 'src/**/*.*', 'public/**/*.*'];
  const files = sources.flatMap((pattern) => globSync(pattern, { cwd: folder }));
  return Math.max(...files.map((name) => statSync(join(folder, name)).mtimeMs));
}

const builtMs = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (builtMs < newest()) {
  const { status, error } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
