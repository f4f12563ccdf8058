/**
 * Metrics for Prometheus, in a registry of their own (no global one). The names are documented API.
 * M1 Counting an event costs an addition or one histogram step; gauges are read when somebody asks.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Observer, WorkerSurface } from '../../engine/options.ts';

const NAME = 'signalbox';
const FAST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const OUTCOME_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 900,
];

export interface FleetGauges {
  readonly workersAlive: number;
  /** By state. */
  readonly transactions: Readonly<Record<string, number>>;
  readonly oldestSeconds: Readonly<Record<string, number>>;
  /** Those that nobody has dealt with, by code. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

export class Metrics implements Observer {
  readonly registry = new Registry();
  readonly contentType: string = this.registry.contentType;
  readonly #finished: Counter<'outcome'>;
  readonly #outcomeSeconds: Histogram;
  readonly #callSeconds: Histogram<'call' | 'outcome'>;
  readonly #commitSeconds: Histogram;
  readonly #commitEntries: Counter;
  readonly #deadLetters: Counter<'code'>;
  readonly #problems: Counter<'code'>;
  readonly #handOvers: Counter<'what'>;

  constructor(version: string) {
    const registers = [this.registry];
    const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
      new Counter({ name: `${NAME}_${name}`, help, labelNames, registers });
    const histogram = <L extends string>(name: string, help: string, labelNames: L[], buckets: number[]) =>
      new Histogram({ name: `${NAME}_${name}`, help, labelNames, buckets, registers });
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: `${NAME}_info`,
      help: 'Version of the program',
      labelNames: ['version'],
      registers,
    }).set({ version }, 1);
    this.#finished = counter(
      'transactions_finished_total',
      'Transactions that reached their outcome in this process',
      ['outcome'],
    );
    this.#outcomeSeconds = histogram('outcome_seconds', 'Time from begin to outcome', [], OUTCOME_SECONDS);
    this.#callSeconds = histogram('call_seconds', 'Calls to participants', ['call', 'outcome'], FAST_SECONDS);
    this.#commitSeconds = histogram('commit_seconds', 'Ledger commits', [], FAST_SECONDS);
    this.#commitEntries = counter('commit_entries_total', 'Entries of ledger commits', []);
    this.#deadLetters = counter('dead_letters_total', 'Records that became dead letters in this process', [
      'code',
    ]);
    this.#problems = counter('problems_total', 'Problems reported, by code of the catalogue', ['code']);
    this.#handOvers = counter('hand_overs_total', 'Partitions taken over, drained, lost, fenced or refused', [
      'what',
    ]);
  }

  /** Adds the gauges of a worker: what its heartbeat says, read at each scrape. */
  watch(worker: Pick<WorkerSurface, 'health' | 'snapshot'>): void {
    const gauge = (name: string, help: string, read: () => number) => {
      const made: Gauge = new Gauge({
        name: `${NAME}_${name}`,
        help,
        registers: [this.registry],
        collect: () => made.set(read()),
      });
    };
    gauge('ready', '1: ledger reachable, group joined, partitions taken over', () =>
      Number(worker.health().ready),
    );
    gauge('draining', '1 from SIGTERM on', () => Number(worker.snapshot().draining));
    gauge('waiting_records', 'Records in memory that wait for their lane', () => worker.snapshot().waiting);
    gauge('lanes', 'Lanes in memory', () => worker.snapshot().lanes);
    gauge('partitions', 'Partitions owned', () => worker.snapshot().partitions.length);
    const lag: Gauge<'partition'> = new Gauge({
      name: `${NAME}_partition_lag`,
      help: 'End offset minus watermark of an owned partition',
      labelNames: ['partition'],
      registers: [this.registry],
      collect: () => {
        lag.reset();
        for (const [partition, value] of Object.entries(worker.snapshot().lag)) lag.set({ partition }, value);
      },
    });
  }

  /**
   * Adds gauges of the whole fleet, from the ledger: every worker says the same, so take the maximum over them. While the
   * ledger is away they are missing.
   */
  watchFleet(read: () => Promise<FleetGauges>): void {
    const gauge = <L extends string>(name: string, help: string, label: L) => {
      const made = new Gauge({
        name: `${NAME}_fleet_${name}`,
        help,
        labelNames: [label],
        registers: [this.registry],
      });
      return (values: Readonly<Record<string, number>>) => {
        made.reset();
        for (const [key, value] of Object.entries(values)) made.labels(key).set(value);
      };
    };
    const transactions = gauge('transactions', 'Open transactions of the fleet by state', 'state');
    const oldest = gauge('oldest_seconds', 'Age of the oldest transaction of the fleet in a state', 'state');
    const deadLetters = gauge('dead_letters', 'Dead letters that nobody has dealt with', 'code');
    new Gauge({
      name: `${NAME}_fleet_workers`,
      help: 'Workers heard of in the last ten seconds',
      registers: [this.registry],
      async collect() {
        const fleet = await read().catch(() => null);
        transactions(fleet?.transactions ?? {});
        oldest(fleet?.oldestSeconds ?? {});
        deadLetters(fleet?.deadLetters ?? {});
        if (fleet === null) this.remove();
        else this.set(fleet.workersAlive);
      },
    });
  }

  async text(): Promise<string> {
    return await this.registry.metrics();
  }

  problem(error: Parameters<Observer['problem']>[0]): void {
    this.#problems.inc({ code: error.code });
  }

  handOver({ what }: Parameters<Observer['handOver']>[0]): void {
    this.#handOvers.inc({ what });
  }

  committed({ entries, ms }: Parameters<Observer['committed']>[0]): void {
    this.#commitEntries.inc(entries);
    this.#commitSeconds.observe(ms / 1000);
  }

  called({ call, outcome, ms }: Parameters<Observer['called']>[0]): void {
    this.#callSeconds.observe({ call, outcome }, ms / 1000);
  }

  finished({ state, ms }: Parameters<Observer['finished']>[0]): void {
    this.#finished.inc({ outcome: state });
    this.#outcomeSeconds.observe(ms / 1000);
  }

  deadLetter({ code }: Parameters<Observer['deadLetter']>[0]): void {
    this.#deadLetters.inc({ code });
  }
}
