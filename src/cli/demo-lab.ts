/**
 * The levers of the demo. Each breaks something real, and tells in its log what came of it: found in the ledger, not
 * assumed.
 */
import type { Lab, LabEntry, Lever } from '../api/lab.ts';
import type { DemoChild } from '../demo/child.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { ReadModel, Why } from '../engine/ports-read.ts';

export interface LabDoors {
  readonly world: World;
  readonly workers: readonly DemoChild[];
  /** Changes the faults of the site. */
  readonly site: (change: object) => Promise<void>;
  readonly sender: TransactionSender;
  readonly read: Pick<ReadModel, 'status' | 'why'>;
  readonly lists: Pick<Lists, 'events' | 'openLocations'>;
  /** Stops Postgres; the demo starts it again. */
  readonly cutDatabase: () => Promise<void>;
}

const ENTRIES_MAX = 50;
const LOOK_MS = 500;
const FOLLOW_MS = 90_000;
const JAM_MS = 30_000;
const KIOSKS = 4;

export class DemoLab implements Lab {
  readonly #doors: LabDoors;
  readonly #log: LabEntry[] = [];

  constructor(doors: LabDoors) {
    this.#doors = doors;
  }

  log(): readonly LabEntry[] {
    return this.#log;
  }

  async pull(lever: Lever): Promise<LabEntry> {
    switch (lever) {
      case 'kill-worker':
        return this.#killWorker();
      case 'rebalance':
        return this.#rebalance();
      case 'cut-database':
        return await this.#cutDatabase();
      case 'lose-answer':
        return await this.#loseAnswer();
      case 'jam-location':
        return await this.#jamLocation();
      case 'hold-kiosk':
        return await this.#holdKiosk();
      case 'bad-record':
        return await this.#badRecord();
    }
  }

  // ------------------------------------------------------------------------------------------ levers

  #killWorker(): LabEntry {
    const worker = this.#anyWorker();
    if (worker === undefined) return this.#say('kill-worker', 'no worker is up just now');
    const pid = worker.pid;
    worker.crash();
    this.#followHandOver('kill-worker', worker.name);
    return this.#say('kill-worker', `killed ${worker.name}, process ${pid}, without a word`);
  }

  #rebalance(): LabEntry {
    const worker = this.#anyWorker();
    if (worker === undefined) return this.#say('rebalance', 'no worker is up just now');
    worker.restart();
    this.#followHandOver('rebalance', worker.name);
    return this.#say('rebalance', `asked ${worker.name} to drain: its partitions are handed over`);
  }

  async #cutDatabase(): Promise<LabEntry> {
    const { world, read, cutDatabase } = this.#doors;
    const startedMs = world.monotonic();
    await cutDatabase();
    void this.#follow('cut-database', async () => {
      await read.status();
      return `the ledger is back after ${seconds(world.monotonic() - startedMs)}; what was under way is settled from its rows`;
    });
    return this.#say('cut-database', 'stopped Postgres: nothing begins until it is back');
  }

  async #loseAnswer(): Promise<LabEntry> {
    const location = await this.#busyLocation();
    await this.#doors.site({ loseNext: [location] });
    let doubted = false;
    const startedMs = this.#doors.world.monotonic();
    void this.#follow('lose-answer', async () => {
      const doubt = isInDoubt(await this.#doors.read.why(location));
      doubted ||= doubt;
      if (!doubted || doubt) return null;
      const ms = this.#doors.world.monotonic() - startedMs;
      return `${location}: was in doubt, asked, and is resolved after ${seconds(ms)}`;
    });
    return this.#say('lose-answer', `the next effect at ${location} happens, its answer is lost`);
  }

  async #jamLocation(): Promise<LabEntry> {
    const { world, site, read } = this.#doors;
    const location = await this.#busyLocation();
    await site({ jam: [location] });
    world.after(JAM_MS, () => {
      void read
        .why(location)
        .then(async ({ parked, waitingInMemory }) => {
          await site({ release: [location] });
          const waiting = parked + (waitingInMemory ?? 0);
          this.#say('jam-location', `released ${location}: ${waiting} waited there, nobody elsewhere`);
        })
        .catch((error: unknown) => this.#say('jam-location', `${location} stays jammed: ${String(error)}`));
    });
    return this.#say('jam-location', `jammed ${location} for ${seconds(JAM_MS)}: only its own lane waits`);
  }

  /** Its participant is configured as grade G0: nobody can be asked what became of the step. */
  async #holdKiosk(): Promise<LabEntry> {
    const { world, site, sender, read } = this.#doors;
    const location = `KSK-000${1 + Math.floor(world.random() * KIOSKS)}`;
    const id = `kiosk-${Math.floor(world.now()).toString(36)}`;
    const data = { amount: 100 * (1 + Math.floor(world.random() * 40)), currency: 'EUR' };
    await site({ loseNext: [location] });
    await sender.send([{ key: location, value: Buffer.from(JSON.stringify({ id, type: 'pay', data })) }]);
    void this.#follow('hold-kiosk', async () => {
      const holder = (await read.why(location)).holders.find((each) => each.id === id);
      return holder?.state === 'held'
        ? `${id} at ${location} is held: a person decides, on the page of attention`
        : null;
    });
    return this.#say(
      'hold-kiosk',
      `sent ${id} to ${location}: it pays, its answer is lost, and it cannot be asked`,
    );
  }

  async #badRecord(): Promise<LabEntry> {
    const location = await this.#busyLocation();
    await this.#doors.sender.send([{ key: location, value: Buffer.from('{"id":"bad-record","type":') }]);
    return this.#say('bad-record', `sent half a record to ${location}: a dead letter, its lane goes on`);
  }

  // ------------------------------------------------------------------------------------------ what came of it

  /** Told when two looks in a row see the same hand-overs: they come one by one. */
  #followHandOver(lever: Lever, name: string): void {
    const { world, lists } = this.#doors;
    const sinceMs = world.now();
    let seen = 0;
    void this.#follow(lever, async () => {
      const events = await lists.events({ sinceMs, limit: 200 });
      const moved = events.filter(({ kind, fromWorker }) => kind === 'hand_over' && fromWorker === name);
      const before = seen;
      seen = moved.length;
      if (seen === 0 || seen !== before) return null;
      const partitions = [...new Set(moved.flatMap(({ partition }) => partition ?? []))].sort(
        (a, b) => a - b,
      );
      const names = partitions.map((each) => `P${String(each).padStart(2, '0')}`).join(' ');
      const to = [...new Set(moved.map(({ worker }) => worker))].join(' and ');
      const afterMs = Math.min(...moved.map(({ at }) => Date.parse(at))) - sinceMs;
      return `${names} went from ${name} to ${to}, ${seconds(afterMs)} after`;
    });
  }

  /** Looks until there is something to say, or for a minute and a half. */
  async #follow(lever: Lever, look: () => Promise<string | null>): Promise<void> {
    const { world } = this.#doors;
    const untilMs = world.monotonic() + FOLLOW_MS;
    while (world.monotonic() < untilMs) {
      await new Promise<void>((resume) => world.after(LOOK_MS, resume));
      const text = await look().catch(() => null);
      if (text === null) continue;
      this.#say(lever, text);
      return;
    }
  }

  #say(lever: Lever, text: string): LabEntry {
    const entry = { at: new Date(this.#doors.world.now()).toISOString(), lever, text };
    this.#log.push(entry);
    if (this.#log.length > ENTRIES_MAX) this.#log.shift();
    return entry;
  }

  #anyWorker(): DemoChild | undefined {
    const up = this.#doors.workers.filter(({ pid }) => pid !== null);
    return up[Math.floor(this.#doors.world.random() * up.length)];
  }

  async #busyLocation(): Promise<string> {
    const open = (await this.#doors.lists.openLocations()).filter(({ state }) => state === 'executing');
    const any = open[Math.floor(this.#doors.world.random() * open.length)];
    return any?.location ?? 'ATM-0001';
  }
}

function isInDoubt({ holders }: Why): boolean {
  return holders.some(({ state }) => state === 'in_doubt');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
