/**
 * The package as npm would publish it: what is in the tarball, whether it installs into an empty folder and every entry can
 * be imported there, what publint and "are the types wrong" say, how much an entry loads, and that its API is the one in etc/api.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { apiReports } from '../../tools/api-report.ts';
import { entrySizes } from '../../tools/size.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '..', '..');
const ENTRIES = ['signalbox', 'signalbox/consumer', 'signalbox/lanes', 'signalbox/testing'];
/** Nothing here takes long; registries do now and then. */
const INSTALL_MS = 240_000;

/** A tenth above what they are (npm run size): a jump is looked at before this number is raised. */
const GZIPPED_MAX: Readonly<Record<string, number>> = {
  signalbox: 26_000,
  'signalbox/consumer': 60_000,
  'signalbox/lanes': 16_000,
  'signalbox/testing': 115_000,
};
/** Packages that importing an entry loads. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  signalbox: ['zod'],
  'signalbox/consumer': ['@platformatic/kafka'],
  'signalbox/lanes': [],
  'signalbox/testing': ['zod'],
};
const TARBALL_MAX = 1_500_000;

describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-package-'));
  let tarball = '';
  let files: string[] = [];

  before(async () => {
    // The scripts of the project have built dist/ and the page before the tests run.
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
    tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'none');
    files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8', maxBuffer: 10_000_000 })
      .split('\n')
      .filter((name) => name !== '' && !name.endsWith('/'))
      .map((name) => name.replace(/^package\//, ''));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds what is needed to run, the page included, and nothing else', () => {
    const needed = [
      'bin/signalbox.js',
      'dashboard/dist/index.html',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/adapters/postgres/migrations/0001_schema.sql',
      'docs/reference/errors.md',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ];
    assert.deepEqual(
      needed.filter((name) => !files.includes(name)),
      [],
    );
    assert.ok(files.some((name) => /^dashboard\/dist\/assets\/.*\.js$/.test(name)));
    const allowed = /^(bin|dist|docs|dashboard\/dist)\/|^(CHANGELOG\.md|LICENSE|README\.md|package\.json)$/;
    const strange =
      /\.test\.|\.tsbuildinfo$|(?<!\.d)\.tsx?$|\.env|(^|\/)\.|\.(pem|key|log|tgz)$|api-token|docs\/images/;
    assert.deepEqual(
      files.filter((name) => !allowed.test(name) || strange.test(name)),
      [],
    );
    assert.ok(readFileSync(tarball).length < TARBALL_MAX, `${readFileSync(tarball).length} bytes`);
  });

  it('publint finds nothing', async () => {
    const bytes = readFileSync(tarball);
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });

  it('types are found and right, from ES modules and bundlers', async () => {
    const checked = await checkPackage(createPackageFromTarballData(readFileSync(tarball)), {
      excludeEntrypoints: ['./package.json'],
    });
    assert.ok(checked.types !== false);
    assert.deepEqual(Object.keys(checked.entrypoints).length, ENTRIES.length);
    // CommonJS reaches it by require(esm), and resolution before Node.js 16 is none of ours: docs/library/semver.md.
    const ours = checked.problems.filter(
      (problem) => !('resolutionKind' in problem && /^(node10|node16-cjs)$/.test(problem.resolutionKind)),
    );
    assert.deepEqual(ours, []);
  });

  it('installs into an empty folder; every entry can be imported and required, and the command runs', {
    timeout: INSTALL_MS,
  }, async () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    writeFileSync(
      join(empty, 'package.json'),
      '{"name":"user","version":"1.0.0","private":true,"type":"module"}',
    );
    const options = ['--prefer-offline', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...options, tarball], { cwd: empty });
    const program = `${ENTRIES.map((entry, index) => `import * as e${index} from '${entry}';`).join('\n')}
      const { Lanes } = e2;
      const sum = await new Lanes().run('k', () => Object.keys({ ...e0, ...e1, ...e2, ...e3 }).length);
      console.log(typeof e0.createSignalbox, typeof e1.createConsumer, typeof e3.simulate, sum);`;
    writeFileSync(join(empty, 'main.js'), program);
    const { stdout } = await run(process.execPath, ['main.js'], { cwd: empty });
    assert.match(stdout, /^function function function \d+\n$/);
    const required = ENTRIES.map((entry) => `Object.keys(require('${entry}')).length`).join(', ');
    writeFileSync(join(empty, 'main.cjs'), `console.log([${required}].every((names) => names > 0));`);
    assert.equal((await run(process.execPath, ['main.cjs'], { cwd: empty })).stdout, 'true\n');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const command = join(empty, 'node_modules', 'signalbox', 'bin', 'signalbox.js');
    assert.ok((await run(process.execPath, [command, '--version'], { cwd: empty })).stdout.includes(version));
  });

  it('an entry loads no more than before, and no other packages', () => {
    const sizes = entrySizes();
    assert.deepEqual(sizes.map(({ entry }) => entry).sort(), ENTRIES);
    for (const { entry, gzippedBytes, packages } of sizes) {
      assert.ok(gzippedBytes <= (GZIPPED_MAX[entry] ?? 0), `${entry}: ${gzippedBytes} bytes gzipped`);
      assert.ok(gzippedBytes > 5_000, `${entry}: ${gzippedBytes} bytes are too few to be all of it`);
      assert.deepEqual(packages, PACKAGES[entry]);
    }
  });

  it('its API is the one that was agreed', () => {
    const reports = apiReports(folder);
    assert.equal(reports.length, ENTRIES.length);
    for (const { name, text } of reports) {
      const agreed = readFileSync(join(ROOT, 'etc', 'api', name), 'utf8');
      assert.equal(
        text,
        agreed,
        `the API differs from etc/api/${name}: see docs/library/semver.md, then npm run api`,
      );
    }
  });
});
