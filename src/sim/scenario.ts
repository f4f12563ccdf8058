/**
 * One simulated world from its seed: records are produced, workers run the real engine, faults happen, then
 * everything heals and must converge: every record accounted, every transaction final, every result published.
 */
import type { JsonObject } from '../core/answer.ts';
import type { Grade } from '../core/grade.ts';
import type { Plan } from '../core/plan.ts';
import { planText } from '../core/plan.ts';
import type { Types } from '../engine/options.ts';
import type { Point } from '../engine/points.ts';
import { SimBroker, type SimRecord } from './broker.ts';
import { Chaos } from './chaos.ts';
import { Crew, SESSION_TIMEOUT_MS } from './crew.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { SimLedgerServer } from './ledger-server.ts';
import { SimLedgerStore } from './ledger-store.ts';
import { type Mishap, Mishaps } from './mishaps.ts';
import { openWork } from './open-work.ts';
import { People, type PeopleRates } from './people.ts';
import type { SimProcess } from './process.ts';
import { RandomStream } from './random.ts';
import { SimSite, type Site, type SiteDefect, type SiteOptions } from './site.ts';
import { traceOf } from './trace.ts';
import { violationsOf } from './verdict.ts';
import { Witness } from './witness.ts';
import { produce, type WorkloadOptions } from './workload.ts';
import { VirtualWorld } from './world.ts';

export interface ScenarioOptions extends WorkloadOptions {
  readonly seed: number;
  readonly workers: number;
  readonly partitions: number;
  readonly concurrency: number;
  readonly steps: number;
  readonly faults: Faults;
  /** No attempt starts later than this after the begin, in ms. */
  readonly deadlineMs: number;
  readonly people: PeopleRates;
  readonly parkedMax: number;
  readonly waitingRecordsMax: number;
  readonly siteDefect: SiteDefect | null;
  readonly grade: Grade;
  /** What befalls workers at named points, one after the other. */
  readonly mishaps: readonly Mishap[];
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
  /** Faults that took hold, on the links and of whole workers, locations and ledgers. */
  readonly struck: number;
  /** How often what happened: points that were passed, hand-overs, faults, decisions. */
  readonly faults: Readonly<Record<string, number>>;
  readonly problems: Readonly<Record<string, number>>;
  /** How often each point of sometimes.ts was reached. */
  readonly reached: Readonly<Record<string, number>>;
  /** How many of the mishaps happened. */
  readonly mishaps: number;
  /** Of every event, change of the ledger and published result: the same seed gives the same. */
  readonly trace: string;
}

/** Healing must end within this: back-offs of 10 s, deadlines of a minute, session time-outs. */
const CONVERGE_MS = 600_000;

/** Faults among what is counted by name; the others strike on links. */
const FAULTS_COUNTED = [
  'killed',
  'stopped',
  'cut',
  'rebalanced',
  'failed-over',
  'stuck',
  'paused',
  'limited',
];

export class Scenario {
  readonly virtual: VirtualWorld;
  readonly broker: SimBroker;
  readonly store: SimLedgerStore;
  readonly site: Site;
  /** Slots of a location, as the options say. */
  readonly slotsAt: (location: string) => number;
  readonly produced: SimRecord[] = [];
  readonly options: ScenarioOptions;
  readonly #own: OwnPlans | null;
  readonly #siteNetwork: RandomStream;
  readonly #crew: Crew;
  readonly #chaos: Chaos;
  readonly #mishaps: Mishaps;
  readonly #witness: Witness;
  readonly #counts: Record<string, number> = {};
  #faults: Faults;

  constructor(options: ScenarioOptions, own: OwnPlans | null = null) {
    const { seed } = options;
    this.options = options;
    this.#own = own;
    const types = own?.types ?? typesOf(options);
    this.slotsAt = (location) => own?.types.concurrencyOf(location) ?? options.concurrency;
    this.#faults = options.faults;
    const faults = () => this.#faults;
    const count = (what: string) => this.#count(what);
    const virtual = new VirtualWorld(seed);
    const { partitions } = options;
    const network = new RandomStream(seed, 'broker');
    const broker = new SimBroker({
      virtual,
      random: network,
      partitions,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
    const store = new SimLedgerStore(() => virtual.wallClockMs());
    const server = new SimLedgerServer(virtual, store);
    const witness = new Witness({ virtual, store, broker });
    const { arrived } = witness;
    this.#siteNetwork = new RandomStream(seed, 'site');
    const parts = {
      virtual,
      random: this.#siteNetwork,
      faults,
      effectMs: [5, 400],
      arrived,
    } as const;
    const { siteDefect: defect, grade } = options;
    const site = own?.siteOf(parts) ?? new SimSite({ ...parts, defect, grade });
    const passing = (point: Point, process: SimProcess) => this.#passing(point, process);
    const { unstorable } = options.faults;
    const crew = new Crew({
      ...options,
      unstorable,
      virtual,
      broker,
      server,
      site,
      types,
      witness,
      faults,
      count,
      passing,
    });
    const random = new RandomStream(seed, 'chaos');
    this.#chaos = new Chaos({ virtual, random, broker, server, site, crew, faults, count });
    this.#mishaps = new Mishaps(options.mishaps, crew);
    this.#crew = crew;
    this.#witness = witness;
    this.virtual = virtual;
    this.broker = broker;
    this.store = store;
    this.site = site;
  }

  /** What befell workers, in order. */
  get history(): Crew['history'] {
    return this.#crew.history;
  }

  /** How often the ledger has lost history. */
  get failovers(): number {
    return this.#chaos.failovers;
  }

  async run(): Promise<ScenarioReport> {
    const { options, virtual, store, broker, site } = this;
    const { people: rates, locations, seed, grade, faultMs } = options;
    for (let worker = 0; worker < options.workers; worker += 1) this.#crew.start();
    this.#produce();
    const random = new RandomStream(seed, 'people');
    const count = (what: string) => this.#count(what);
    const people = new People({ virtual, random, store, site, locations, rates, grade, count });
    this.#chaos.tick();
    await virtual.run(() => false, faultMs);
    this.#faults = NO_FAULTS;
    this.#mishaps.end();
    this.#crew.heal();
    people.heal();
    const isDone = () => virtual.events % 50 === 0 && openWork(store, broker) === '';
    const converged = await virtual.run(isDone, faultMs + CONVERGE_MS);
    this.#witness.end();
    return this.#report(converged);
  }

  #report(converged: boolean): ScenarioReport {
    const { virtual, store, broker } = this;
    const rows = [...store.rows.values()];
    return {
      seed: this.options.seed,
      violations: [
        ...this.#crew.bugs,
        ...(converged ? [] : [`not converged: ${openWork(store, broker)}`]),
        ...violationsOf(this),
      ],
      converged,
      virtualMs: virtual.elapsedMs,
      events: virtual.events,
      transactions: rows.length,
      completed: rows.filter((row) => row.state === 'completed').length,
      rolledBack: rows.filter((row) => row.state === 'rolled_back').length,
      struck: this.#struck(),
      faults: this.#counts,
      problems: this.#crew.problems,
      reached: Object.fromEntries(virtual.reached),
      mishaps: this.#mishaps.befallen,
      trace: traceOf(this),
    };
  }

  #struck(): number {
    const whole = FAULTS_COUNTED.reduce((sum, what) => sum + (this.#counts[what] ?? 0), 0);
    return whole + this.#crew.struck + this.#siteNetwork.struck + this.#mishaps.befallen;
  }

  #passing(point: Point, process: SimProcess): void {
    this.#count(point);
    this.#mishaps.passing(point, process);
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  #produce(): void {
    const { virtual, options } = this;
    const random = new RandomStream(options.seed, 'workload');
    const expiry = new RandomStream(options.seed, 'expiry');
    const send = (key: string | null, value: string) =>
      void this.produced.push(this.broker.produce(key, value));
    const transaction = this.#own?.transaction ?? ((amount: number) => ({ type: 'apply', data: { amount } }));
    produce(options, { virtual, random, expiry, transaction, send });
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
