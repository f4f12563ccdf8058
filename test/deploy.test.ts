/** What is deployed agrees with the program: names of metrics and settings, and the shape of the files. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Metrics } from '../src/adapters/telemetry/metrics.ts';
import { VARIABLES } from '../src/config/environment.ts';
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

for (const path of ['deploy/monitoring/alerts.yml', 'deploy/monitoring/grafana.json']) {
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

test('the board is JSON with panels that ask something', () => {
  const { panels } = JSON.parse(read('deploy/monitoring/grafana.json')) as {
    panels: { targets: unknown[] }[];
  };
  assert.ok(panels.length > 10);
  for (const { targets } of panels) assert.ok(targets.length > 0);
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
