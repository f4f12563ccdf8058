/** The site as its own process, killed with SIGKILL in the middle of effects: it keeps what it promised. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { HttpParticipant } from '../adapters/http/http-participant.ts';
import { realWorld } from '../adapters/node/world.ts';
import { Caller } from '../conformance/participant-caller.ts';
import type { Answer } from '../core/answer.ts';
import { Counters, type SiteCounters } from './counters.ts';
import { type JournalLine, parseLine } from './journal.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const LOCATIONS = 24;
const STEPS_EACH = 12;
const KILLS = 3;
const CONDITION_MS_MAX = 30_000;
const RETRY_MS = 10;

interface Running {
  readonly port: number;
  readonly url: string;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

async function startProcess(t: TestContext, directory: string, port = 0): Promise<Running> {
  const args = [MAIN, '--directory', directory, '--port', String(port), '--delay-ms', '5-60'];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  assert.ok(child.stdout !== null);
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), exited])) as [unknown];
  assert.equal(typeof line, 'string', `the site exited with ${String(line)}`);
  const ready = JSON.parse(String(line)) as { ready: boolean; port: number };
  assert.equal(ready.ready, true);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  };
  return {
    port: ready.port,
    url: `http://127.0.0.1:${ready.port}`,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
}

async function countersOf(site: Running): Promise<SiteCounters> {
  return (await (await fetch(`${site.url}/site/counters`)).json()) as SiteCounters;
}

/** What a worker does: execute; in doubt ask under a new token; never: execute again. Never a second key beside it. */
async function carryOut(caller: Caller, key: string): Promise<Answer> {
  const deadline = Date.now() + CONDITION_MS_MAX;
  let answer = await caller.call('execute', key);
  while (answer.outcome !== 'done') {
    assert.ok(Date.now() < deadline, `${key} is still ${JSON.stringify(answer)}`);
    assert.ok(['unknown', 'pending', 'never', 'stale'].includes(answer.outcome), JSON.stringify(answer));
    const again = answer.outcome === 'never' ? 'execute' : 'status';
    if (again === 'status') await pass(RETRY_MS);
    answer = await caller.call(again, key);
  }
  return answer;
}

async function readJournal(directory: string): Promise<JournalLine[]> {
  const text = await readFile(join(directory, 'journal.jsonl'), 'utf8');
  return text.split('\n').filter(Boolean).map(parseLine);
}

it('killed in the middle of effects and restarted: no double effect, every promise kept', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-site-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  let site = await startProcess(t, directory);
  const participant = new HttpParticipant(realWorld(), { endpoint: site.url });
  t.after(() => participant.close());

  const told = new Map<string, Answer>();
  const lanes = Array.from({ length: LOCATIONS }, async (_, n) => {
    const common = {
      participant,
      type: 'withdraw',
      data: { amount: 5_000, currency: 'EUR' },
      timeoutMs: 5_000,
    };
    const caller = new Caller({
      ...common,
      location: `place-${n}`,
      prefix: `place-${n}`,
      firstToken: 1n,
      hasStatus: true,
    });
    for (let step = 0; step < STEPS_EACH; step++) {
      const key = caller.key();
      told.set(key, await carryOut(caller, key));
    }
    return caller;
  });

  for (let kill = 1; kill <= KILLS; kill++) {
    const enough = (LOCATIONS * STEPS_EACH * kill) / (KILLS + 2);
    const deadline = Date.now() + CONDITION_MS_MAX;
    for (let counters = await countersOf(site); ; counters = await countersOf(site)) {
      if (counters.effects >= enough && counters.open > 0) break;
      assert.ok(Date.now() < deadline, 'effects are under way');
    }
    await site.kill();
    site = await startProcess(t, directory, site.port);
  }
  const callers = await Promise.all(lanes);

  const counters = await countersOf(site);
  const { overlaps, doubled, open, effects, paid } = counters;
  const all = LOCATIONS * STEPS_EACH;
  assert.deepEqual({ overlaps, doubled, open, effects }, { overlaps: 0, doubled: 0, open: 0, effects: all });
  assert.equal(paid, all * 5_000);
  for (const caller of callers) {
    const answer = await caller.call('execute', caller.key(), { token: 1n });
    assert.equal(answer.outcome, 'stale', 'the marks outlived the kills');
  }
  for (const [key, answer] of told) {
    const caller = callers.find(({ location }) => key.startsWith(`${location}-`));
    assert.deepEqual(await caller?.call('status', key), answer, 'the record outlived the kills');
  }
  assert.equal(await site.stop(), 0);

  const lines = await readJournal(directory);
  assert.ok(
    lines.some((line) => line.recovered === true),
    'a kill met an effect under way',
  );
  for (const [n, line] of lines.entries()) assert.ok(n === 0 || line.at >= (lines[n - 1]?.at ?? 0), 'J1');
  const recount = new Counters(() => 1);
  for (const line of lines) recount.add(line);
  assert.equal(recount.snapshot().effects, all);
});

it('main says what is missing and what there is, and ends with 1', async () => {
  const child = spawn(process.execPath, [MAIN, '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 1);
  assert.match(Buffer.concat(chunks).toString(), /SB-5002.*--directory[\s\S]*--refusal-rate/);
});
