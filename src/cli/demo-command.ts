/**
 * `signalbox demo`: everything on this machine. Postgres, the log (or a real broker with `--kafka`), a simulated
 * site and the workers are processes of their own; this one makes the traffic, checks, and shows.
 *
 * States: starting → running → draining (Ctrl-C) → ended; a second Ctrl-C ends everything at once.
 * D1 Nothing outlives it: workers first, then the site, then the log and the ledger.
 * D2 The next start goes on with the same ledger, log, journal and open records; `--reset` begins anew.
 */
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import type { DemoChild } from '../demo/child.ts';
import { LiveArea } from '../demo/live-area.ts';
import type { Proof } from '../demo/proof.ts';
import { type SummaryState, summaryBlock, summaryLine } from '../demo/summary.ts';
import { Traffic } from '../demo/traffic.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import { createKafkaTopic, openSender } from './compose.ts';
import { type ApiLedger, openApiLedger } from './compose-api.ts';
import {
  type LedgerAddress,
  openLedgerReader,
  prepareLedger,
  startLedger,
  stopLedger,
} from './compose-ledger.ts';
import { DemoFolder } from './demo-folder.ts';
import { DemoLab } from './demo-lab.ts';
import { serveDemo } from './demo-page.ts';
import {
  changeSite,
  cleanEnvironment,
  type PartOptions,
  startBroker,
  startSite,
  startWorker,
} from './demo-parts.ts';
import { demoProof } from './demo-proof.ts';
import { FleetWatch } from './fleet-watch.ts';
import { keepLedger } from './keep-ledger.ts';
import type { Terminal } from './terminal.ts';

export interface DemoOptions {
  readonly rate: number;
  readonly locations: number;
  readonly workers: number;
  readonly port: number;
  readonly kafka: boolean;
  readonly reset: boolean;
}

export interface DemoDoors {
  readonly world: World;
  readonly terminal: Terminal;
  readonly version: string;
  /** Folder that SIGNALBOX_DIR is resolved from. */
  readonly folder: string;
  readonly directory: string | undefined;
}

const LOOK_MS = 1_000;
const LINE_MS = 5_000;
const FIRST_LOOK_MS = 100;
/** Traffic pauses above this backlog: an overloaded demo shows it instead of filling the disk. */
const BACKLOG_MAX = 5_000;
/** The lever that cuts the database leaves it away for this long, and until it is looked at next. */
const CUT_MS = 6_000;
/** Beyond the drain time of the workers. */
const STOP_GRACE_MS = 6_000;
const SITE_STOP_MS = 10_000;

type Closing = () => Promise<unknown>;

interface Served {
  readonly config: Config;
  readonly ledger: ApiLedger;
  readonly sender: TransactionSender;
  readonly proof: Proof;
  readonly siteUrl: string;
}

export class Demo {
  readonly #options: DemoOptions;
  readonly #doors: DemoDoors;
  readonly #area: LiveArea;
  readonly #ended = Promise.withResolvers<number>();
  readonly #children: DemoChild[] = [];
  /** What is open besides the children, in the order of opening. */
  readonly #closings: Closing[] = [];
  #stopping = false;
  #workers: DemoChild[] = [];
  #traffic: Traffic | null = null;
  #endKeeping: () => void = () => undefined;
  #finish: () => Promise<string> = async () => 'nothing had begun';

  constructor(options: DemoOptions, doors: DemoDoors) {
    this.#options = options;
    this.#doors = doors;
    this.#area = new LiveArea((text) => process.stdout.write(text), doors.terminal.tty);
  }

  /** Resolves to the exit code when it has ended; rejects with SB-5003, SB-5009, SB-2011, SB-3014 and the like. */
  async run(): Promise<number> {
    try {
      await this.#start();
    } catch (error) {
      if (this.#stopping) return await this.#ended.promise;
      await this.#closeAll();
      throw error;
    }
    return await this.#ended.promise;
  }

  /** Ctrl-C: no more traffic, workers drain, then everything ends in order. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#say('');
    this.#say(
      'Draining: no new traffic, the workers finish what is under way. Ctrl-C again ends it at once.',
    );
    const startedMs = this.#doors.world.monotonic();
    void this.#closeAll()
      .then((says) => {
        const seconds = ((this.#doors.world.monotonic() - startedMs) / 1000).toFixed(1);
        this.#say(`Drained in ${seconds} s: ${says}. The next start goes on from here; --reset begins anew.`);
        this.#ended.resolve(0);
      })
      .catch((error: unknown) => {
        this.#say(`The demo could not be closed in order: ${String(error)}`);
        this.#ended.resolve(1);
      });
  }

  /** The second Ctrl-C. */
  async force(): Promise<void> {
    for (const child of this.#children) child.kill();
    await stopLedger(await this.#config({})).catch(() => undefined);
  }

  // ------------------------------------------------------------------------------------------ start

  async #start(): Promise<void> {
    const { world } = this.#doors;
    const { locations, workers, rate, kafka, reset, port } = this.#options;
    const startedMs = world.monotonic();
    const plain = await this.#config({});
    const folder = new DemoFolder(plain.directory);
    await folder.check();
    if (reset) {
      await stopLedger(plain);
      folder.reset();
    }
    const url = `http://127.0.0.1:${port}`;
    folder.claim({ pid: process.pid, url });
    this.#say(
      `Signalbox demo: a simulated site with ${locations} dispensers, ${workers} workers, about ${rate} transactions a second;`,
    );
    this.#say(
      `ledger is an embedded Postgres, log is ${kafka ? 'a real Kafka broker' : 'the embedded log'}, 8 partitions, all in ${folder.directory}`,
    );
    const parts = { world, folder, onEvent: (text: string) => this.#say(text) };
    this.#closings.push(() => stopLedger(plain));
    const [address, siteUrl, brokers] = await Promise.all([
      startLedger(plain, (text) => this.#say(`Postgres: ${text}`)),
      this.#startSite(parts),
      kafka ? this.#startBroker(folder) : undefined,
    ]);
    const config = await this.#config({ KAFKA_BROKERS: brokers });
    await prepareLedger(address, true);
    if (kafka) await createKafkaTopic(config, world);
    if (this.#stopping) return;
    this.#closings.push(async () => this.#endKeeping());
    this.#keepLedger(plain);
    const databaseUrl = address.connectionString;
    this.#workers = Array.from({ length: workers }, (_, index) =>
      startWorker({ ...parts, name: `worker-${index + 1}`, config, databaseUrl, siteUrl }),
    );
    this.#children.push(...this.#workers);
    await this.#watch({ config, address, folder, siteUrl, startedMs });
  }

  #keepLedger(config: Config): void {
    this.#endKeeping = keepLedger(config, this.#doors.world, (text) => this.#say(text));
  }

  /** Long enough to be seen on the page; then it is started again. */
  async #cutDatabase(config: Config): Promise<void> {
    this.#endKeeping();
    await stopLedger(config);
    this.#doors.world.after(CUT_MS, () => {
      if (!this.#stopping) this.#keepLedger(config);
    });
  }

  async #startSite(parts: PartOptions): Promise<string> {
    const site = await startSite(parts);
    this.#children.push(site.child);
    this.#closings.push(() => site.child.stop(SITE_STOP_MS));
    await site.ready;
    return site.url;
  }

  async #startBroker(folder: DemoFolder): Promise<string> {
    const broker = await startBroker(folder, (text) => this.#say(`Kafka: ${text}`));
    this.#closings.push(() => broker.stop());
    this.#say(
      `Kafka: ready at ${broker.bootstrap}; commands in another terminal need KAFKA_BROKERS=${broker.bootstrap}`,
    );
    return broker.bootstrap;
  }

  async #watch(parts: {
    config: Config;
    address: LedgerAddress;
    folder: DemoFolder;
    siteUrl: string;
    startedMs: number;
  }): Promise<void> {
    const { config, address, folder, siteUrl, startedMs } = parts;
    const { world } = this.#doors;
    const rows = openLedgerReader(config, address);
    const sender = await openSender(config, async () => address, world);
    const ledger = await openApiLedger(config, address, { sender, world });
    this.#closings.push(() => Promise.all([ledger.close(), rows.close(), sender.close()]));
    const fleet = new FleetWatch(ledger.read, world);
    const proof = demoProof({ world, config, rows, ledger, fleet, siteUrl }, folder.proof());
    const url = await this.#serve({ config, ledger, sender, proof, siteUrl });
    folder.claim({ pid: process.pid, url });
    this.#traffic = this.#makeTraffic({ sender, proof, fleet });
    this.#traffic.start();
    this.#finish = async () => await this.#lastWords(fleet, proof, folder);
    void this.#loop({ fleet, proof, folder, url, startedMs });
  }

  async #serve({ config, ledger, sender, proof, siteUrl }: Served): Promise<string> {
    const served = await serveDemo({
      ...this.#doors,
      ...ledger,
      config,
      sender,
      port: this.#options.port,
      lab: new DemoLab({
        ...ledger,
        sender,
        world: this.#doors.world,
        workers: this.#workers,
        site: (change) => changeSite(siteUrl, change),
        cutDatabase: () => this.#cutDatabase(config),
      }),
      more: () => ({ ...proof.view(), processes: this.#children.map(({ name, pid }) => ({ name, pid })) }),
      onDefect: (error) => this.#say(error.message),
    });
    this.#closings.push(served.close);
    this.#say(`Page: ${served.url}`);
    return served.url;
  }

  #makeTraffic({
    sender,
    proof,
    fleet,
  }: {
    sender: TransactionSender;
    proof: Proof;
    fleet: FleetWatch;
  }): Traffic {
    const { locations, rate } = this.#options;
    let told = Number.NEGATIVE_INFINITY;
    return new Traffic({
      world: this.#doors.world,
      sender,
      locations: Array.from({ length: locations }, (_, index) => `ATM-${`${index + 1}`.padStart(4, '0')}`),
      rate,
      firstSequence: proof.sequence,
      mayProduce: () => fleet.backlog() < BACKLOG_MAX,
      onProduced: (records) => proof.produced(records),
      onProblem: (error) => {
        const now = this.#doors.world.monotonic();
        if (now - told < LINE_MS) return;
        told = now;
        this.#say(`traffic waits: ${error instanceof Error ? error.message : String(error)}`);
      },
    });
  }

  // ------------------------------------------------------------------------------------------ show

  async #loop(parts: {
    fleet: FleetWatch;
    proof: Proof;
    folder: DemoFolder;
    url: string;
    startedMs: number;
  }): Promise<void> {
    const { fleet, proof, folder, url, startedMs } = parts;
    const { world, terminal } = this.#doors;
    let first = true;
    let lineMs = world.monotonic();
    await fleet.look();
    const before = fleet.fleet?.completed ?? 0;
    while (!this.#stopping) {
      await fleet.look();
      await proof.check().catch(() => undefined);
      folder.saveProof(proof.state());
      const heldBack = fleet.backlog() >= BACKLOG_MAX ? `${fleet.backlog()} records wait` : null;
      const state: SummaryState = {
        fleet: fleet.fleet,
        ledgerReachable: fleet.reachable,
        rate: fleet.rate(),
        proof: proof.view(),
        url,
        heldBack,
      };
      if (first && (fleet.fleet?.completed ?? 0) > before) {
        first = false;
        this.#say(
          `First transaction completed ${((world.monotonic() - startedMs) / 1000).toFixed(1)} s after the start.`,
        );
        this.#sayWhatToTry();
      }
      if (!this.#stopping) this.#area.draw(summaryBlock(state, terminal.columns));
      if (!terminal.tty && world.monotonic() - lineMs >= LINE_MS) {
        lineMs = world.monotonic();
        this.#say(summaryLine(state), { fleet: state.fleet, proof: state.proof });
      }
      await new Promise<void>((resume) => world.after(first ? FIRST_LOOK_MS : LOOK_MS, resume));
    }
  }

  #sayWhatToTry(): void {
    const [worker] = this.#workers;
    this.#say('Try, in another terminal:');
    this.#say('  npx signalbox locations            which locations are open');
    this.#say('  npx signalbox why ATM-0001         why a location waits, and what frees it');
    if (worker !== undefined && worker.pid !== null) {
      this.#say(
        `  kill -9 ${`${worker.pid}`.padEnd(27)}kill ${worker.name}: its lanes go on at the others, the three counters stay 0`,
      );
    }
    this.#say('');
  }

  /** With --json one object a line. */
  #say(text: string, fields: object = {}): void {
    const { terminal, world } = this.#doors;
    const time = () => new Date(world.now()).toISOString();
    this.#area.print(terminal.json ? JSON.stringify({ time: time(), text, ...fields }) : text);
  }

  // ------------------------------------------------------------------------------------------ end

  async #lastWords(fleet: FleetWatch, proof: Proof, folder: DemoFolder): Promise<string> {
    await fleet.look();
    await proof.check().catch(() => undefined);
    folder.saveProof(proof.state());
    const { completed = 0, rolledBack = 0 } = fleet.fleet ?? {};
    const { overlaps, lost, doubled, open } = proof.view();
    return (
      `${completed.toLocaleString('en-US')} completed and ${rolledBack.toLocaleString('en-US')} rolled back in all, ` +
      `${open.toLocaleString('en-US')} still to do; overlaps ${overlaps ?? '-'}, lost ${lost ?? '-'}, double effects ${doubled ?? '-'}`
    );
  }

  /** Traffic, workers, the last look, then the rest from the last opened to the first. */
  async #closeAll(): Promise<string> {
    this.#stopping = true;
    await this.#traffic?.stop();
    const { drainTimeoutMs } = await this.#config({});
    await Promise.all(this.#workers.map((worker) => worker.stop(drainTimeoutMs + STOP_GRACE_MS)));
    const says = await this.#finish();
    for (const close of this.#closings.toReversed()) await close();
    return says;
  }

  /** The settings of the demo: its own, whatever the environment around it says, but for the folder. */
  async #config(more: Readonly<Record<string, string | undefined>>): Promise<Config> {
    const { folder, directory } = this.#doors;
    const environment = {
      ...cleanEnvironment(),
      SIGNALBOX_DIR: directory,
      SIGNALBOX_WORKER: 'demo',
      ...more,
    };
    return await loadConfig({ environment, folder, file: 'none', pid: process.pid });
  }
}
