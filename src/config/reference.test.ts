import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { VARIABLES } from './environment.ts';
import { DEFAULTS, loadConfig } from './load-config.ts';

const root = join(import.meta.dirname, '..', '..');

/** The row of the reference page for one variable. */
function rowOf({ name, setting, about }: (typeof VARIABLES)[number]): string {
  const value: unknown = Reflect.get(DEFAULTS, setting);
  const shown = typeof value === 'number' ? value.toLocaleString('en-US') : value;
  const otherwise = value === undefined ? '' : typeof value === 'boolean' ? Number(value) : `\`${shown}\``;
  return `| \`${name}\` | \`${setting}\` | ${otherwise} | ${about} |`.replace('|  |', '| |');
}

it('the reference page has the row of each variable, and no other', () => {
  const page = readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `[A-Z]/.test(line));
  const other = ['| `SIGNALBOX_CONFIG`'];
  const expected = VARIABLES.map(rowOf);
  assert.deepEqual(
    rows.filter((row) => !other.some((start) => row.startsWith(start))),
    expected,
    `the table should be:\n${expected.join('\n')}`,
  );
});

it('the example is a valid configuration', async () => {
  const file = join(root, 'signalbox.config.example.ts');
  const config = await loadConfig({ environment: {}, folder: root, file, pid: 1 });
  assert.deepEqual(Object.keys(config.types ?? {}), ['withdraw', 'refill']);
  assert.equal(config.types?.withdraw?.steps.length, 3);
  assert.deepEqual(config.limits, [{ pattern: 'DEPOT-*', concurrency: 4 }]);
});
