/**
 * What `npm run build` runs: src without its tests as ES modules and declarations in dist/, and beside them every
 * file that the sources read at run time (.sql, .html, .css, .js, …). The sources run unbuilt in a checkout; the
 * package holds only dist/, because Node does not run TypeScript below node_modules.
 *
 * An optional argument names another project folder, with src/ and tsconfig.json, for the test of this tool.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const project = resolve(process.argv[2] ?? resolve(import.meta.dirname, '..'));
const source = join(project, 'src');
const target = join(project, 'dist');
const scratch = join(project, '.cache', 'build');
const compiler = resolve(import.meta.dirname, '../node_modules/typescript/bin/tsc');

function compile(): void {
  mkdirSync(scratch, { recursive: true });
  const config = join(scratch, 'tsconfig.json');
  const settings = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      noEmitOnError: true,
      declaration: true,
      rootDir: source,
      outDir: target,
    },
    include: [source],
    exclude: [join(source, '**/*.test.ts')],
  };
  writeFileSync(config, JSON.stringify(settings, null, 2));
  const { status, error } = spawnSync(process.execPath, [compiler, '-p', config], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error('the sources have type errors: nothing was built');
}

function copyAssets(): number {
  const assets = globSync('**/*.*', { cwd: source }).filter((name) => !name.endsWith('.ts'));
  for (const name of assets) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    cpSync(join(source, name), join(target, name));
  }
  return assets.length;
}

/** The compiler rewrites imports from .ts to .js, but not the name of a file in `new URL('x.ts', import.meta.url)`. */
function refuseSourceNames(): void {
  for (const name of globSync('**/*.js', { cwd: target })) {
    const found = /new URL\(\s*['"`][^'"`]*\.ts['"`]/.exec(readFileSync(join(target, name), 'utf8'));
    if (found !== null) {
      throw new Error(
        `dist/${name} names a source file: ${found[0]}. Take the ending from import.meta.filename.`,
      );
    }
  }
}

try {
  rmSync(target, { recursive: true, force: true });
  compile();
  const assets = copyAssets();
  refuseSourceNames();
  const modules = globSync('**/*.js', { cwd: target }).length;
  console.log(
    `${relative(process.cwd(), target) || target}: ${modules} modules, ${assets} other files copied`,
  );
} catch (error) {
  rmSync(target, { recursive: true, force: true });
  console.error(`build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
