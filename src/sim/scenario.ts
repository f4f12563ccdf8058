/**
 * One simulated world from its seed: records are produced, workers run the real engine, faults happen, then
 * everything heals and must converge: every record accounted, every transaction final, every result published.
 */
import type { JsonObject } from '../core/answer.ts';
import type { Grade } from '../core/grade.ts';
import type { Plan } from '../core/plan.ts';
import { planText } from '../core/plan.ts';
import { isFinal } from '../core/states.ts';
import { DEFAULT_SETTINGS, type Observer, type Types, type WorkerSettings } from '../engine/options.ts';
import { Worker } from '../engine/worker.ts';
import { SimBroker, type SimRecord } from './broker.ts';
import { copyOf, failOver, type LedgerCopy } from './failover.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { SimLedger } from './ledger.ts';
import { SimLedgerStore } from './ledger-store.ts';
import { SimLog } from './log.ts';
import { People, type PeopleRates } from './people.ts';
import { SimProcess } from './process.ts';
import { RandomStream } from './random.ts';
import { SimSite, type Site, type SiteDefect, type SiteOptions } from './site.ts';
import { violationsOf } from './verdict.ts';
import { VirtualWorld } from './world.ts';

export interface ScenarioOptions {
  readonly seed: number;
  readonly workers: number;
  readonly partitions: number;
  readonly locations: number;
  readonly transactions: number;
  readonly concurrency: number;
  readonly steps: number;
  readonly faults: Faults;
  /** Virtual time over which records are produced and faults happen, in ms. */
  readonly faultMs: number;
  /** No attempt starts later than this after the begin, in ms. */
  readonly deadlineMs: number;
  /** Share of records that repeat an earlier id: with the same content, or with another (a conflict). */
  readonly duplicates: number;
  readonly conflicts: number;
  readonly badRecords: number;
  readonly people: PeopleRates;
  readonly parkedMax: number;
  readonly waitingRecordsMax: number;
  readonly siteDefect: SiteDefect | null;
  readonly grade: Grade;
}

/** Types, records and participants of a user in place of the simulator's (src/testing). */
export interface OwnPlans {
  readonly types: Types;
  readonly transaction: (index: number) => { readonly type: string; readonly data: JsonObject };
  readonly siteOf: (parts: Omit<SiteOptions, 'defect' | 'grade'>) => Site;
}

export interface ScenarioReport {
  readonly seed: number;
  readonly violations: string[];
  readonly converged: boolean;
  readonly virtualMs: number;
  readonly events: number;
  readonly transactions: number;
  readonly completed: number;
  readonly rolledBack: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly problems: Readonly<Record<string, number>>;
}

const SESSION_TIMEOUT_MS = 6_000;
const COPY_EVERY_MS = 500;
/** Healing must end within this: back-offs of 10 s, deadlines of a minute, session time-outs. */
const CONVERGE_MS = 600_000;

export class Scenario {
  readonly virtual: VirtualWorld;
  readonly broker: SimBroker;
  readonly store: SimLedgerStore;
  readonly site: Site;
  readonly produced: SimRecord[] = [];
  readonly options: ScenarioOptions;
  /** Slots of a location, as the options say. */
  readonly slotsAt: (location: string) => number;
  readonly #own: OwnPlans | null;
  readonly #types: Types;
  readonly #workers = new Map<string, { process: SimProcess; worker: Worker }>();
  readonly #random: RandomStream;
  readonly #chaos: RandomStream;
  readonly #counts: Record<string, number> = {};
  readonly #problems: Record<string, number> = {};
  readonly #bugs: string[] = [];
  #faults: Faults;
  #starts = 0;
  /** How often the ledger has lost history. */
  failovers = 0;
  #copies: readonly { readonly atMs: number; readonly copy: LedgerCopy }[] = [];

  constructor(options: ScenarioOptions, own: OwnPlans | null = null) {
    const { seed } = options;
    this.options = options;
    this.#own = own;
    this.#types = own?.types ?? typesOf(options);
    this.slotsAt = (location) => own?.types.concurrencyOf(location) ?? options.concurrency;
    this.#faults = options.faults;
    this.virtual = new VirtualWorld(seed);
    this.#random = new RandomStream(seed, 'workload');
    this.#chaos = new RandomStream(seed, 'chaos');
    this.broker = new SimBroker({
      virtual: this.virtual,
      random: new RandomStream(seed, 'broker'),
      partitions: options.partitions,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
    this.store = new SimLedgerStore(() => this.virtual.wallClockMs());
    const site = {
      virtual: this.virtual,
      random: new RandomStream(seed, 'site'),
      faults: () => this.#faults,
      effectMs: [5, 400],
    } as const;
    const { siteDefect: defect, grade } = options;
    this.site = own?.siteOf(site) ?? new SimSite({ ...site, defect, grade });
  }

  async run(): Promise<ScenarioReport> {
    const { options, virtual } = this;
    for (let worker = 0; worker < options.workers; worker += 1) this.#startWorker();
    this.#produce();
    const { people: rates, locations, seed, grade } = options;
    const { store, site } = this;
    const random = new RandomStream(seed, 'people');
    const count = (what: string) => this.#count(what);
    const people = new People({ virtual, random, store, site, locations, rates, grade, count });
    this.#chaosTick();
    await virtual.run(() => false, options.faultMs);
    this.#heal();
    people.heal();
    const converged = await virtual.run(() => this.#isConverged(), options.faultMs + CONVERGE_MS);
    const rows = [...this.store.rows.values()];
    return {
      seed: options.seed,
      violations: [
        ...this.#bugs,
        ...(converged ? [] : [`not converged: ${this.#openWork()}`]),
        ...violationsOf(this),
      ],
      converged,
      virtualMs: virtual.elapsedMs,
      events: virtual.events,
      transactions: rows.length,
      completed: rows.filter((row) => row.state === 'completed').length,
      rolledBack: rows.filter((row) => row.state === 'rolled_back').length,
      faults: this.#counts,
      problems: this.#problems,
    };
  }

  // ---------------------------------------------------------------------------------------- workers

  #startWorker(): void {
    this.#starts += 1;
    const name = `worker-${this.#starts}`;
    const { virtual, broker, options } = this;
    const process = new SimProcess(virtual, name);
    const faults = () => this.#faults;
    const network = new RandomStream(options.seed, `network ${name}`);
    const { topic } = broker;
    const identity = { topic: topic.name, topicId: topic.id, group: 'signalbox', worker: name };
    const log = new SimLog({
      virtual,
      process,
      broker,
      faults,
      random: network,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      drainBudgetMs: 3_000,
    });
    const worker = new Worker({
      world: process.world,
      log,
      ledger: new SimLedger({ virtual, process, store: this.store, identity, random: network, faults }),
      participant: (name) => this.site.participant(process, name),
      types: this.#types,
      settings: this.#settings(),
      observer: this.#observer(),
      version: 'sim',
      passing: (point) => this.#count(point),
    });
    this.#workers.set(name, { process, worker });
    void worker.start();
  }

  #settings(): WorkerSettings {
    const { parkedMax, waitingRecordsMax } = this.options;
    return { ...DEFAULT_SETTINGS, commitEntriesMax: 20, parkedMax, waitingRecordsMax };
  }

  #observer(): Observer {
    return {
      problem: (error) => {
        this.#problems[error.code] = (this.#problems[error.code] ?? 0) + 1;
        if (error.code === 'SB-5006')
          this.#bugs.push(error.cause instanceof Error ? String(error.cause.stack) : error.message);
      },
      handOver: ({ what }) => this.#count(what),
      committed: () => {},
      called: () => {},
      finished: () => {},
      deadLetter: () => {},
    };
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  // ---------------------------------------------------------------------------------------- workload

  #produce(): void {
    const { options, virtual } = this;
    const random = this.#random;
    const ids: { id: string; location: string; amount: number }[] = [];
    for (let index = 0; index < options.transactions; index += 1) {
      const atMs = random.next() * options.faultMs * 0.8;
      const known = ids.length > 0 ? random.pick(ids) : null;
      const kind = random.next();
      if (kind < options.badRecords) {
        const value = random.pick([
          '{',
          '[]',
          '{"id":"x y","type":"t"}',
          `{"id":"bad-${index}","type":"apply","data":3}`,
        ]);
        const key = random.pick([null, 'L1', 'not a location', 'L2']);
        virtual.after(atMs, () => this.#send(key, value));
        continue;
      }
      const again = known !== null && kind < options.badRecords + options.duplicates + options.conflicts;
      const conflict = again && kind < options.badRecords + options.conflicts;
      const fresh = { id: `t${index}`, location: `L${random.between(1, options.locations)}`, amount: index };
      const { id, location, amount } = again ? { ...known, amount: conflict ? -1 : known.amount } : fresh;
      if (!again) ids.push(fresh);
      const { type, data } = this.#own?.transaction(amount) ?? { type: 'apply', data: { amount } };
      const value = JSON.stringify({ id, type, data });
      virtual.after(atMs, () => this.#send(location, value));
    }
  }

  #send(key: string | null, value: string): void {
    this.produced.push(this.broker.produce(key, value));
  }

  // ---------------------------------------------------------------------------------------- faults

  #chaosTick(): void {
    const tickMs = 100;
    const random = this.#chaos;
    const happens = (perSecond: number) => random.chance((perSecond * tickMs) / 1_000);
    const running = [...this.#workers.entries()].filter(
      ([, { process }]) => process.alive && !process.stopped,
    );
    if (running.length > 0 && happens(this.#faults.killsPerSecond)) {
      const [name, { process }] = random.pick(running);
      process.kill();
      this.#workers.delete(name);
      this.#count('killed');
      this.virtual.after(random.between(0, 5_000), () => this.#startWorker());
    } else if (running.length > 0 && happens(this.#faults.stopsPerSecond)) {
      const [, { process }] = random.pick(running);
      process.stop();
      this.#count('stopped');
      this.virtual.after(random.between(100, 3 * SESSION_TIMEOUT_MS), () => process.continue());
    } else if (happens(this.#faults.rebalancesPerSecond)) {
      this.broker.rebalance(true);
      this.#count('rebalanced');
    }
    if (this.#faults.failoversPerSecond > 0) this.#ledgerTick(happens(this.#faults.failoversPerSecond));
    if (this.#faults !== NO_FAULTS) this.virtual.after(tickMs, () => this.#chaosTick());
  }

  /** The standby's copy is half a second to a second old. */
  #ledgerTick(fails: boolean): void {
    const { virtual, store } = this;
    if (fails && this.#copies[0] !== undefined) {
      failOver(store, this.#copies[0].copy);
      this.#copies = [];
      this.failovers += 1;
      this.#count('failed-over');
    }
    if (virtual.elapsedMs - (this.#copies.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) < COPY_EVERY_MS) return;
    this.#copies = [...this.#copies.slice(-1), { atMs: virtual.elapsedMs, copy: copyOf(store) }];
  }

  #heal(): void {
    this.#faults = NO_FAULTS;
    for (const { process } of this.#workers.values()) process.continue();
    if (this.#workers.size === 0) this.#startWorker();
  }

  // ---------------------------------------------------------------------------------------- the end

  #isConverged(): boolean {
    return this.virtual.events % 50 === 0 && this.#openWork() === '';
  }

  /** What is still open, for people; empty when nothing is. */
  #openWork(): string {
    const { store, broker } = this;
    const open: string[] = [];
    for (const row of store.rows.values()) {
      if (!isFinal(row.state)) open.push(`${row.id} ${row.state} at ${row.location} ${row.code}`);
    }
    for (let partition = 0; partition < broker.topic.partitions; partition += 1) {
      const known = store.partitions.get(`${broker.topic.name}/${partition}`);
      const end = broker.endOffset(partition);
      const records = broker.records[partition]?.length ?? 0;
      if (records === 0) continue;
      if ((known?.watermark ?? 0) < end && known?.watermark !== end)
        open.push(`watermark ${partition}: ${known?.watermark} of ${end}`);
      if ((broker.groupOffsets.get(partition) ?? 0) < end)
        open.push(`group offset ${partition}: ${broker.groupOffsets.get(partition)} of ${end}`);
      if ((known?.published ?? 0) < (known?.lastNumber ?? 0))
        open.push(`published ${partition}: ${known?.published} of ${known?.lastNumber}`);
    }
    for (const { command, outcome } of store.commands.values())
      if (outcome === null) open.push(`command ${command.sequence} ${command.action} ${command.id}`);
    return open.slice(0, 10).join('; ');
  }
}

function typesOf(options: ScenarioOptions): Types {
  const steps = Array.from({ length: options.steps }, (_, index) => ({
    name: `s${index}`,
    participant: 'site',
    timeoutMs: 1_000,
    irreversible: false,
  }));
  const plan: Plan = { type: 'apply', version: 1, steps, deadlineMs: options.deadlineMs };
  return {
    planOf: (type) => (type === 'apply' ? plan : null),
    storedPlan: (type, text) => (type === 'apply' && text === planText(plan) ? plan : null),
    concurrencyOf: () => options.concurrency,
  };
}
