/** Each rule of tidy is fed good and bad examples: a rule that cannot fail is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bannedGlobals } from './banned-globals.ts';
import { ERRORS_PAGE, errorCodes } from './error-codes.ts';
import { cycles, layers } from './layers.ts';
import { fileLength, fileNames, functionLength, leftOverNotes, sqlComments } from './shape.ts';
import { parse, type Source, type TextFile } from './sources.ts';

const file = (path: string, text = ''): TextFile => ({ path, text });
const source = (path: string, text: string): Source[] => parse([file(path, text)]);

/** One violation for each bad example, none for a good one. */
function expectViolations(found: readonly string[], expected: readonly RegExp[]): void {
  assert.equal(found.length, expected.length, found.join('\n'));
  expected.forEach((pattern, index) => {
    assert.match(found[index] ?? '', pattern);
  });
}

test('layers: what each part may not import', async (t) => {
  const bad: readonly [path: string, imports: string, message: RegExp][] = [
    ['src/core/a.ts', '../engine/ports.ts', /^src\/core\/a\.ts:2 core imports .* nothing else$/],
    ['src/engine/ports.ts', './worker.ts', /ports imports .* only core$/],
    ['src/engine/a.ts', '../sim/world.ts', /engine imports/],
    ['src/engine/a.ts', '../api/server.ts', /engine imports/],
    ['src/adapters/kafka/a.ts', '../../engine/worker.ts', /adapters\/kafka imports/],
    ['src/adapters/kafka/a.ts', '../http/b.ts', /adapters never import each other/],
    ['src/conformance/a.ts', '../engine/worker.ts', /conformance imports/],
    ['src/checkers/a.ts', '../site/journal.ts', /checkers imports/],
    ['src/api/a.ts', '../engine/worker.ts', /api imports/],
    ['src/site/a.ts', '../sim/world.ts', /site imports/],
    ['src/sim/a.ts', '../api/server.ts', /sim imports/],
    ['src/sim/a.ts', '../adapters/kafka/b.ts', /only src\/cli\/compose\*\.ts imports adapters/],
    ['src/cli/run.ts', '../adapters/kafka/b.ts', /only src\/cli\/compose\*\.ts imports adapters/],
    ['src/index.ts', './adapters/kafka/b.ts', /only src\/cli\/compose\*\.ts imports adapters/],
    ['src/engine/a.ts', './b.test.ts', /imports the test/],
    ['src/core/a.ts', '../core/b.test.ts', /imports the test/],
    ['src/engine/a.ts', '../../tools/build.ts', /leaves src/],
    ['src/elsewhere/a.ts', '../core/b.ts', /elsewhere is in no layer/],
  ];
  const forms = (specifier: string): string[] => [
    `\nimport { b } from '${specifier}';`,
    `\nimport type { B } from '${specifier}';`,
    `\nexport * from '${specifier}';`,
    `\nconst b = await import('${specifier}');`,
    `\ntype B = import('${specifier}').B;`,
    `\nimport '${specifier}';`,
  ];
  for (const [path, specifier, message] of bad) {
    await t.test(`${path} → ${specifier}`, () => {
      for (const text of forms(specifier)) expectViolations(layers(source(path, text)), [message]);
    });
  }
});

test('layers: what is allowed', () => {
  const good: readonly [path: string, imports: string][] = [
    ['src/core/a.ts', './b.ts'],
    ['src/core/errors/a.ts', '../b.ts'],
    ['src/core/a.ts', 'node:util'],
    ['src/engine/a.ts', '../core/b.ts'],
    ['src/engine/a.ts', './ports.ts'],
    ['src/engine/ports.ts', './ports-ledger.ts'],
    ['src/adapters/kafka/a.ts', './wire/b.ts'],
    ['src/adapters/kafka/a.ts', '../../engine/ports-ledger.ts'],
    ['src/api/a.ts', '../engine/ports-read.ts'],
    ['src/checkers/a.ts', '../core/states.ts'],
    ['src/sim/a.ts', '../engine/worker.ts'],
    ['src/cli/compose.ts', '../adapters/kafka/a.ts'],
    ['src/cli/run.ts', './compose.ts'],
    ['src/index.ts', './engine/worker.ts'],
    ['src/checkers/a.test.ts', '../adapters/kafka/b.ts'],
    ['test/integration/a.test.ts', '../../src/adapters/kafka/b.ts'],
    ['bench/a.ts', '../src/adapters/kafka/b.ts'],
  ];
  for (const [path, specifier] of good) {
    expectViolations(layers(source(path, `import { b } from '${specifier}';`)), []);
  }
});

test('cycles: by values, by types, of one file with itself', () => {
  const a = file('src/engine/a.ts', "import type { B } from './b.ts';");
  const b = file('src/engine/b.ts', "import { c } from './c.ts';\nimport { d } from './d.ts';");
  const c = file('src/engine/c.ts', "export type { A } from './a.ts';");
  const d = file('src/engine/d.ts', '');
  const self = file('src/core/self.ts', "import { x } from './self.ts';");
  expectViolations(cycles(parse([a, b, d, file('src/engine/c.ts', '')])), []);
  expectViolations(cycles(parse([a, b, c, d])), [/^src\/engine\/a\.ts → .*b\.ts → .*c\.ts → .*a\.ts$/]);
  expectViolations(cycles(parse([self])), [/^src\/core\/self\.ts → src\/core\/self\.ts$/]);
});

test('banned globals: each with its replacement', async (t) => {
  const bad: readonly [text: string, message: RegExp][] = [
    ['const t = Date.now();', /^src\/\w+\/a\.ts:1 uses Date\.now: use World\.now\(\)$/],
    ['const t = new Date();', /World\.now/],
    ['const t = new Date;', /World\.now/],
    ['const t = Date();', /World\.now/],
    ['const now = Date.now;', /World\.now/],
    ['setTimeout(() => {}, 1);', /World\.after/],
    ['setInterval(() => {}, 1);', /World\.after/],
    ['let timer: ReturnType<typeof setTimeout>;', /World\.after/],
    ['setImmediate(() => {});', /World\.soon/],
    ["import { setTimeout as wait } from 'node:timers/promises';", /imports node:timers\/promises/],
    ['const x = Math.random();', /World\.random/],
    ['const x = crypto.randomUUID();', /World\.random/],
    ["import { randomUUID } from 'node:crypto'; randomUUID();", /World\.random/],
    ['const x = performance.now();', /World\.monotonic/],
    ["import { performance as p } from 'node:perf_hooks';", /World\.monotonic/],
    ['const e = process.env;', /argument/],
    ['f({ process });', /argument/],
    [`const text = \`\${process.pid}\`;`, /argument/],
    ["import { env } from 'node:process';", /argument/],
    ['console.log(1);', /Observer/],
    ['globalThis.x = 1;', /port/],
    ['AbortSignal.timeout(5);', /World\.after/],
  ];
  for (const [text, message] of bad) {
    await t.test(text, () => {
      for (const folder of ['engine', 'core']) {
        const found = bannedGlobals(source(`src/${folder}/a.ts`, text));
        assert.ok(found.length > 0, 'not found');
        assert.match(found.join('\n'), message);
      }
    });
  }
});

test('banned globals: not in members, texts and comments, nor outside core and engine', () => {
  const good = [
    'const t = new Date(5); const u = world.now(); node.process(); lane.performance;',
    'interface X { process(): void; readonly console: string }',
    "const o = { process: 1, console: 2 }; const s = 'Date.now() process';",
    '// Date.now() and setTimeout are banned\nconst { process: own } = o;',
    "import { createHash } from 'node:crypto'; createHash('sha256');",
  ];
  for (const text of good) expectViolations(bannedGlobals(source('src/engine/a.ts', text)), []);
  const clock = 'const t = Date.now();';
  for (const path of ['src/adapters/node/world.ts', 'src/core/a.test.ts', 'tools/a.ts']) {
    expectViolations(bannedGlobals(source(path, clock)), []);
  }
});

test('file length', () => {
  const lines = (count: number): string => 'x;\n'.repeat(count);
  expectViolations(fileLength([file('src/core/a.ts', lines(400))]), []);
  expectViolations(fileLength([file('src/core/a.ts', lines(401))]), [/401 lines, at most 400/]);
  expectViolations(fileLength([file('src/core/a.test.ts', lines(401)), file('a.md', lines(999))]), []);
});

test('function length: every kind of function, without its comment', () => {
  const body = (lines: number): string => `{\n${'x;\n'.repeat(lines - 2)}}`;
  const kinds: readonly ((lines: number) => string)[] = [
    (lines) => `/**\n * long\n * comment\n */\nfunction f() ${body(lines)}`,
    (lines) => `const f = () => ${body(lines)};`,
    (lines) => `const f = function () ${body(lines)};`,
    (lines) => `class C {\n  m() ${body(lines)}\n}`,
    (lines) => `class C {\n  constructor() ${body(lines)}\n}`,
    (lines) => `class C {\n  get m() ${body(lines)}\n}`,
    (lines) => `class C {\n  set m(x) ${body(lines)}\n}`,
  ];
  for (const kind of kinds) {
    expectViolations(functionLength(source('src/core/a.ts', kind(70))), []);
    expectViolations(functionLength(source('src/core/a.ts', kind(71))), [/a function of 71 lines/]);
  }
  expectViolations(functionLength(source('src/core/a.test.ts', `test('x', () => ${body(100)});`)), []);
});

test('file names', () => {
  const good = ['src/core/byte-string.ts', 'src/a/b.test.ts', 'src/x/0001_first-tables.sql', 'docs/A_B.md'];
  expectViolations(fileNames(good.map((path) => file(path))), []);
  for (const path of [
    'src/core/byteString.ts',
    'src/core/Byte.ts',
    'src/core/byte_string.ts',
    'src/a/x_y.sql',
  ]) {
    expectViolations(fileNames([file(path)]), [/is not kebab-case/]);
  }
  expectViolations(fileNames([file('src/coreParts/a.ts')]), [/coreParts is not kebab-case/]);
});

test('left-over notes', () => {
  for (const word of ['TO' + 'DO', 'FIX' + 'ME', 'X'.repeat(3)]) {
    expectViolations(leftOverNotes([file('src/a.ts', `x;\n// ${word}: later`)]), [/^src\/a\.ts:2 /]);
  }
  expectViolations(leftOverNotes([file('src/a.ts', "test('todo'); const XXXX = 1; // SB-1xxx")]), []);
});

test('SQL comments', () => {
  const good = [file('src/a.sql', '-- Why\nselect 1;'), file('src/b.sql', '\n/* Why */ select 1;')];
  expectViolations(sqlComments(good), []);
  expectViolations(sqlComments([file('src/a.sql', 'select 1; -- late')]), [/does not start with a comment/]);
});

test('error codes', () => {
  const page = file(ERRORS_PAGE, '### SB-1101\n');
  expectViolations(errorCodes(['SB-1101'], [page, file('src/a.ts', "'SB-1101'")]), []);
  expectViolations(errorCodes(['SB-1101', 'SB-1102'], [page]), [/SB-1102 is not in docs/]);
  expectViolations(errorCodes([], [page]), [/errors\.md names SB-1101, which is not in the catalogue/]);
  expectViolations(errorCodes(['SB-1101'], [page, file('src/a.ts', "'SB-9999'")]), [/a\.ts names SB-9999/]);
  expectViolations(errorCodes(['SB-1101'], []), [/is missing/]);
});
