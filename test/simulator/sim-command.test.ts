/** `signalbox sim` from outside: exit codes, what a failure says and that it can be shown again, the report, own plans. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { assertAccessible, assertNoOverflow, launch, open } from '../browser/browser.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PATCH = join(ROOT, 'test/mutants/patch.ts');
/** A defect that shows in nearly every world of several steps. */
const MUTANT = 'a step is skipped';
const folder = mkdtempSync(join(tmpdir(), 'signalbox-sim-'));
after(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** In an empty folder; with `mutant` the engine has that defect. */
async function sim(args: readonly string[], mutant: string | null = null): Promise<Ran> {
  const patched = mutant === null ? [] : ['--import', PATCH];
  const env = { ...process.env, NO_COLOR: '1', SIGNALBOX_MUTANT: mutant ?? '' };
  const child = spawn(process.execPath, [...patched, join(ROOT, 'bin/signalbox.js'), 'sim', ...args], {
    cwd: folder,
    env,
  });
  const out = text(child.stdout);
  const err = text(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out: await out, err: await err };
}

/** The description in the command that a failure names. */
function worldOf(command: string): string {
  return /--world '(.+)'$/.exec(command)?.[1] ?? assert.fail(command);
}

describe('signalbox sim', () => {
  it('worlds that keep every promise: exit code 0, numbers, and a report that can be read', async () => {
    const report = join(folder, 'good.html');
    const { code, out, err } = await sim(['--seeds', '6', '--threads', '2', '--report', report]);
    assert.equal(code, 0, err);
    assert.match(out, /^worlds +6, 0 of them run twice and compared$/m);
    assert.match(out, /^transactions +[\d,]+: [\d,]+ completed, [\d,]+ rolled back$/m);
    assert.match(out, /^faults +[1-9][\d,]*$/m);
    assert.match(out, /Every world kept every promise\.\n$/);
    assert.match(readFileSync(report, 'utf8'), /✓ Every world kept every promise/);
  });

  it('a defect: exit code 1, a story of at most 20 lines, and a world that shows it again', async () => {
    const report = join(folder, 'bad.html');
    const bad = await sim(['--seeds', '12', '--faults', 'kills', '--json', '--report', report], MUTANT);
    assert.equal(bad.code, 1, bad.err);
    const { ok, failures } = JSON.parse(bad.out);
    assert.equal(ok, false);
    const [{ command, violations, story }] = failures;
    assert.match(violations[0], /^S7 t\d+ is completed without the effect of step s\d$/);
    assert.equal(story[0], violations[0]);
    assert.ok(story.length <= 20, story.join('\n'));
    const again = await sim(['--world', worldOf(command), '--json'], MUTANT);
    assert.equal(again.code, 1, again.err);
    assert.deepEqual(JSON.parse(again.out).totals.failures[0].violations, violations);
    const mended = await sim(['--world', worldOf(command)]);
    assert.equal(mended.code, 0, mended.out);
    assert.match(mended.out, /^worlds +1, 1 of them run twice and compared$/m);
    assert.match(readFileSync(report, 'utf8'), /1 world failed|\d+ worlds failed/);
  });

  it('one plan of the exhaustive mode', async () => {
    const { code, out } = await sim([
      '--exhaustive',
      '--plan',
      'kill at committed, then',
      '--threads',
      '2',
      '--json',
    ]);
    const { ok, totals, unhappened } = JSON.parse(out);
    assert.deepEqual([code, ok, unhappened], [0, true, []]);
    assert.ok(totals.worlds > 50, `${totals.worlds} plans`);
  });

  it('a text that no plan holds: nothing was run, so exit code 1', async () => {
    const { code, out } = await sim(['--exhaustive', '--plan', 'kill at midnight']);
    assert.equal(code, 1);
    assert.match(out, /Nothing was run\.\n$/);
  });

  it('plans of a configuration, with what is not simulated', async () => {
    const types = {
      sale: { deadlineMs: 20_000, steps: ['reserve', 'pay'].map((name) => ({ name, participant: 'till' })) },
      stamp: { steps: ['print', 'cut'].map((name) => ({ name, participant: 'printer' })) },
    };
    const participants = {
      till: { url: 'http://till:8080', grade: 'G2' },
      printer: { url: 'http://printer:8080', grade: 'G0' },
    };
    const config = { topic: 'sales', participants, types };
    writeFileSync(join(folder, 'own.json'), JSON.stringify(config));
    const { code, out, err } = await sim(['--config', 'own.json', '--seeds', '12']);
    assert.equal(code, 0, out + err);
    assert.match(out, /^not simulated: stamp: several steps below grade G2$/m);
    assert.match(out, /^worlds +12,/m);
  });

  it('wrong usage: exit code 64', async () => {
    const { code, err } = await sim(['--faults', 'weather']);
    assert.equal(code, 64);
    assert.match(err, /weather is none of commits, ledger/);
  });

  it('the reports are accessible, and fit a phone', async () => {
    const browser = await launch();
    try {
      for (const file of ['good.html', 'bad.html'])
        for (const width of [1_440, 375]) {
          const view = { viewport: { width, height: 800 } };
          const { page, complaints } = await open(browser, `file://${join(folder, file)}`, view);
          await assertAccessible(page);
          await assertNoOverflow(page);
          assert.deepEqual(complaints, []);
          await page.close();
        }
    } finally {
      await browser.close();
    }
  });
});
