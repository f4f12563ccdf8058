/** The demo as a user sees it: it starts, works, survives the death of a worker, drains, and goes on next time. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { stopEmbedded } from '../../src/adapters/postgres/embedded.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { getJson, type Started, signalbox, until } from './processes.ts';

/** A machine with two busy cores needs several times what the demo takes alone. */
const START_MS = 90_000;
const WORK_MS = 60_000;

interface Process {
  readonly name: string;
  readonly pid: number | null;
}

interface Status {
  readonly completed: number;
  readonly rolledBack: number;
  readonly workers: readonly {
    readonly worker: string;
    readonly alive: boolean;
    readonly partitions: readonly number[];
  }[];
  readonly demo: {
    readonly overlaps: number | null;
    readonly lost: number | null;
    readonly doubled: number | null;
    readonly checkedRecords: number;
    readonly checkedEffects: number;
    readonly processes: readonly Process[];
  };
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-demo-'));
let running: Started | null = null;

after(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
  await stopEmbedded(join(folder, '.signalbox'));
  rmSync(folder, { recursive: true, force: true });
});

function start(...more: readonly string[]): Started {
  running = signalbox(['demo', '--rate', '30', '--locations', '40', ...more], { folder });
  return running;
}

async function statusAt(port: number): Promise<Status | null> {
  return (await getJson(`http://127.0.0.1:${port}/v1/status`)) as Status | null;
}

/** The status when `condition` holds of it. */
async function untilStatus(
  port: number,
  ms: number,
  condition: (status: Status) => boolean,
): Promise<Status> {
  return await until(
    () => `output: ${running?.output()}`,
    ms,
    async () => {
      const status = await statusAt(port);
      return status !== null && condition(status) ? status : null;
    },
  );
}

function assertProof({ demo }: Status): void {
  assert.ok(demo.checkedRecords > 0 && demo.checkedEffects > 0, JSON.stringify(demo));
  assert.deepEqual([demo.overlaps, demo.lost, demo.doubled], [0, 0, 0]);
}

async function drained(started: Started): Promise<string> {
  started.child.kill('SIGINT');
  assert.equal(await started.ended, 0, started.output());
  assert.match(started.output(), /Draining: no new traffic/);
  assert.match(started.output(), /Drained in .*overlaps 0, lost 0, double effects 0/);
  running = null;
  return started.output();
}

describe('demo', () => {
  let before: Status | null = null;

  it('works, survives the death of a worker, and drains', async () => {
    const port = await freePort();
    const started = start('--reset', '--port', `${port}`);
    const first = await untilStatus(
      port,
      START_MS,
      ({ completed, demo }) => completed > 20 && demo.checkedRecords > 20,
    );
    assertProof(first);
    const victim = first.demo.processes.find(({ name }) => name === 'worker-1');
    assert.ok(victim?.pid, JSON.stringify(first.demo.processes));
    process.kill(victim.pid, 'SIGKILL');
    const again = await untilStatus(port, WORK_MS, ({ demo, workers, completed }) => {
      const now = demo.processes.find(({ name }) => name === 'worker-1');
      const owned = workers.filter(({ alive, partitions }) => alive && partitions.length > 0).length;
      return now?.pid !== null && now?.pid !== victim.pid && owned === 2 && completed > first.completed + 100;
    });
    assertProof(again);
    const output = await drained(started);
    assert.match(output, /First transaction completed \d+\.\d s after the start/);
    assert.match(output, /worker-1 ended \(SIGKILL\); it is started again in 3 s/);
    assert.match(output, /npx signalbox why ATM-0001/);
    before = again;
  });

  it('leaves no process behind', async () => {
    for (const { name, pid } of before?.demo.processes ?? []) {
      assert.ok(pid === null || !isAlive(pid), `${name} still runs`);
    }
    assert.equal(await stopEmbedded(join(folder, '.signalbox')), false);
  });

  it('goes on where it stopped', async () => {
    assert.ok(before !== null, 'the first start worked');
    const port = await freePort();
    const started = start('--port', `${port}`);
    const first = await untilStatus(port, START_MS, (status) => status.completed > 0);
    assert.ok(first.completed >= before.completed, `${first.completed} of ${before.completed}`);
    const later = await untilStatus(port, WORK_MS, ({ completed }) => completed > first.completed + 20);
    assertProof(later);
    assert.ok(later.demo.checkedRecords > before.demo.checkedRecords);
    await drained(started);
  });

  it('leaves the ledger of somebody else alone (SB-5009)', async () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, 'postgres'), { recursive: true });
    const started = signalbox(['demo', '--reset'], { folder, env: { SIGNALBOX_DIR: other } });
    assert.equal(await started.ended, 78);
    assert.match(started.output(), /^SB-5009 /);
    assert.ok(existsSync(join(other, 'postgres')));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
