/** What is deployed agrees with the program: names of metrics and settings, and the shape of the files. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Metrics } from '../src/adapters/telemetry/metrics.ts';
import { VARIABLES } from '../src/config/environment.ts';
import { run } from '../src/demo/local-broker-jars.ts';
import { defaultPromtoolPath, ensurePromtool, PromtoolUnavailable } from '../tools/promtool.ts';
import { HEARTBEAT } from './fixtures/api-fakes.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

async function names(): Promise<Set<string>> {
  const metrics = new Metrics('1');
  metrics.watch({ health: () => ({ ready: true, problems: [] }), snapshot: () => HEARTBEAT });
  metrics.watchFleet(async () => ({
    workersAlive: 1,
    transactions: { held: 1 },
    oldestSeconds: { held: 2 },
    deadLetters: { 'SB-1101': 1 },
  }));
  const text = await metrics.text();
  return new Set([...text.matchAll(/^# TYPE (\w+) /gm)].flatMap(([, name]) => name ?? []));
}

const ours = (set: Iterable<string>) => [...set].filter((name) => name.startsWith('signalbox_')).sort();

test('the reference has a row for each metric, and no other', async () => {
  const rows = [...read('docs/reference/metrics.md').matchAll(/^\| `(signalbox_\w+)`/gm)];
  assert.deepEqual(rows.flatMap(([, name]) => name ?? []).sort(), ours(await names()));
});

test('a worker whose ledger is away says nothing of the fleet', async () => {
  const metrics = new Metrics('1');
  metrics.watchFleet(async () => {
    throw new Error('away');
  });
  assert.doesNotMatch(await metrics.text(), /^signalbox_fleet_\w+[ {]/m);
});

/** Null, and why, where promtool cannot be had; in CI that is a failure. */
async function promtoolOrReason(): Promise<{ path: string } | string> {
  try {
    return { path: await ensurePromtool(defaultPromtoolPath()) };
  } catch (error) {
    if (!(error instanceof PromtoolUnavailable) || process.env.CI) throw error;
    return `THE ALERT RULES ARE NOT CHECKED: ${error.message}`;
  }
}

const MONITORING = join(root, 'deploy', 'monitoring');

test('promtool accepts the alert rules, and each alert fires and does not as its test says', async (context) => {
  const promtool = await promtoolOrReason();
  if (typeof promtool === 'string') return context.skip(promtool);
  for (const args of [
    ['check', 'rules', join(MONITORING, 'alerts.yml')],
    ['test', 'rules', join(MONITORING, 'alerts.test.yml')],
  ]) {
    const { code, output } = await run(promtool.path, args, { timeoutMs: 60_000 });
    assert.equal(code, 0, output);
    assert.match(output, /SUCCESS/);
  }
});

test('each alert has a case in which it fires and one in which it does not', () => {
  const alerts = [...read('deploy/monitoring/alerts.yml').matchAll(/^ +- alert: (\w+)$/gm)];
  const tests = read('deploy/monitoring/alerts.test.yml');
  assert.ok(alerts.length > 8);
  for (const [, name = ''] of alerts) {
    assert.match(
      tests,
      new RegExp(`- \\{ eval_time: \\d+m, alertname: ${name} \\}`),
      `${name} never stays silent`,
    );
    assert.match(tests, new RegExp(`alertname: ${name}\\s+exp_alerts:`), `${name} never fires`);
  }
});

for (const path of [
  'deploy/monitoring/alerts.yml',
  'deploy/monitoring/alerts.test.yml',
  'deploy/monitoring/grafana.json',
]) {
  test(`${path} uses names that a worker says`, async () => {
    const known = await names();
    const used = [...read(path).matchAll(/\b((?:signalbox|nodejs|process)_\w+)/g)].flatMap(
      ([, name]) => name ?? [],
    );
    assert.ok(used.length > 8);
    for (const name of used) {
      const base = name.replace(/_(bucket|count|sum)$/, '');
      assert.ok(known.has(name) || known.has(base), name);
    }
  });
}

function boardQuestions(): string[] {
  const { panels } = JSON.parse(read('deploy/monitoring/grafana.json')) as {
    panels: { targets: { expr: string }[] }[];
  };
  assert.ok(panels.length > 10);
  for (const { targets } of panels) assert.ok(targets.length > 0);
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

test('what the board asks is PromQL', async (context) => {
  const promtool = await promtoolOrReason();
  if (typeof promtool === 'string') return context.skip(promtool);
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-board-'));
  try {
    const rules = boardQuestions().map((expr, index) => ({ record: `board:${index}`, expr }));
    const file = join(folder, 'board.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'board', rules }] })); // JSON is YAML
    const { code, output } = await run(promtool.path, ['check', 'rules', file], { timeoutMs: 60_000 });
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`${rules.length} rules found`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('deployments set only variables that exist', () => {
  const known = new Set([...VARIABLES.map(({ name }) => name), 'SIGNALBOX_CONFIG', 'SIGNALBOX_DIR']);
  for (const path of [
    'deploy/Dockerfile',
    'deploy/compose.yaml',
    'deploy/kubernetes/signalbox.yaml',
    'deploy/systemd/signalbox@.service',
  ]) {
    const used = [...read(path).matchAll(/\b(SIGNALBOX_[A-Z_]+|DATABASE_URL|KAFKA_BROKERS)\b/g)];
    assert.ok(used.length > 1, path);
    for (const [, name = ''] of used) assert.ok(known.has(name), `${path}: ${name}`);
  }
});
