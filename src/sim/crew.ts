/** The workers of a simulated world: the real engine in processes that start, are killed, stopped, and cut off. */
import { DEFAULT_SETTINGS, type Observer, type Types, type WorkerDoors } from '../engine/options.ts';
import type { Point } from '../engine/points.ts';
import { Worker } from '../engine/worker.ts';
import type { SimBroker } from './broker.ts';
import type { Faults } from './faults.ts';
import { SimLedger } from './ledger.ts';
import type { SimLedgerServer } from './ledger-server.ts';
import { overLinks } from './links.ts';
import { SimLog } from './log.ts';
import { type Link, SimProcess } from './process.ts';
import { RandomStream } from './random.ts';
import type { Site } from './site.ts';
import type { Witness } from './witness.ts';
import type { VirtualWorld } from './world.ts';

export const SESSION_TIMEOUT_MS = 6_000;

export interface CrewOptions {
  readonly seed: number;
  readonly virtual: VirtualWorld;
  readonly broker: SimBroker;
  readonly server: SimLedgerServer;
  readonly site: Site;
  readonly types: Types;
  readonly witness: Witness;
  readonly faults: () => Faults;
  /** Share of transactions with something that the ledger cannot store; for ever. */
  readonly unstorable: number;
  readonly parkedMax: number;
  readonly waitingRecordsMax: number;
  readonly count: (what: string) => void;
  /** A worker passes a named point, before it goes on. */
  readonly passing: (point: Point, process: SimProcess) => void;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #processes = new Set<SimProcess>();
  readonly #networks: RandomStream[] = [];
  /** What befell workers, for the story of a world. */
  readonly history: { readonly atMs: number; readonly text: string }[] = [];
  /** Codes of the problems that workers told of. */
  readonly problems: Record<string, number> = {};
  /** What no code foresees: each is a bug. */
  readonly bugs: string[] = [];
  #starts = 0;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** Those that are alive and not stopped. */
  running(): SimProcess[] {
    return [...this.#processes].filter(({ stopped }) => !stopped);
  }

  start(): void {
    this.#starts += 1;
    const { seed, virtual, broker, server, site, types, witness, faults, passing } = this.#options;
    const name = `worker-${this.#starts}`;
    const process = new SimProcess(virtual, name);
    const random = new RandomStream(seed, `network ${name}`);
    this.#networks.push(random);
    const { topic } = broker;
    const identity = { topic: topic.name, topicId: topic.id, group: 'signalbox', worker: name };
    const { unstorable, parkedMax, waitingRecordsMax } = this.#options;
    const doors: WorkerDoors = {
      world: process.world,
      log: new SimLog({
        virtual,
        process,
        broker,
        faults,
        random,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        drainBudgetMs: 3_000,
      }),
      ledger: new SimLedger({ virtual, process, server, identity, random, faults, unstorable }),
      participant: (participant) => site.participant(process, participant),
      types,
      settings: { ...DEFAULT_SETTINGS, commitEntriesMax: 20, parkedMax, waitingRecordsMax },
      observer: this.#observer(),
      version: 'sim',
      passing: (point) => passing(point, process),
    };
    const worker = new Worker(witness.doors(process, overLinks(process, virtual, doors)));
    this.#processes.add(process);
    this.#tell(`${name} starts`);
    void worker.start();
  }

  /** SIGKILL; another one starts after so many ms. */
  kill(process: SimProcess, restartMs: number): void {
    const { witness, virtual, count } = this.#options;
    witness.kills(process);
    process.kill();
    this.#processes.delete(process);
    count('killed');
    this.#tell(`${process.name} is killed`);
    virtual.after(restartMs, () => this.start());
  }

  /** SIGSTOP, and SIGCONT after so many ms. */
  stop(process: SimProcess, ms: number): void {
    const { witness, virtual, count } = this.#options;
    witness.stops(process);
    process.stop();
    count('stopped');
    this.#tell(`${process.name} is stopped for ${seconds(ms)}`);
    virtual.after(ms, () => this.#continue(process));
  }

  cut(process: SimProcess, links: readonly Link[], ms: number): void {
    for (const link of links) process.cut(link, ms);
    this.#options.count('cut');
    this.#tell(`${process.name} is cut off from ${links.join(', ')} for ${seconds(ms)}`);
  }

  /** Faults that struck on the links of the workers. */
  get struck(): number {
    return this.#networks.reduce((sum, { struck }) => sum + struck, 0);
  }

  heal(): void {
    for (const process of this.#processes) {
      this.#continue(process);
      process.heal();
    }
    if (this.#processes.size === 0) this.start();
  }

  #tell(text: string): void {
    this.history.push({ atMs: this.#options.virtual.elapsedMs, text });
  }

  #continue(process: SimProcess): void {
    if (process.stopped) {
      this.#options.witness.continues(process);
      if (process.alive) this.#tell(`${process.name} goes on`);
    }
    process.continue();
  }

  #observer(): Observer {
    return {
      problem: (error) => {
        this.problems[error.code] = (this.problems[error.code] ?? 0) + 1;
        if (error.code === 'SB-5006')
          this.bugs.push(error.cause instanceof Error ? String(error.cause.stack) : error.message);
      },
      handOver: ({ what }) => this.#options.count(what),
      committed: () => {},
      called: () => {},
      finished: () => {},
      deadLetter: () => {},
    };
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
