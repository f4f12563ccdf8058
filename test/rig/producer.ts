/**
 * Puts a workload on the topic at a steady pace, in the partitions that murmur2 of the keys names, through outages.
 *
 * P1 Per partition records are stored in the order of the workload. One whose request was not answered is sent
 *    again with all of its request: it may then be on the topic twice, which is a duplicate like any other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { partitionOf } from '../../src/core/murmur2.ts';
import type { BrokerClient, RecordToProduce, TopicFacts } from './broker-client.ts';
import { until } from './wait.ts';
import type { PlannedRecord } from './workload.ts';

export interface ProducerSettings {
  readonly client: BrokerClient;
  readonly topic: TopicFacts;
  readonly workload: readonly PlannedRecord[];
  /** Records a second; after an outage what is late follows in larger batches. */
  readonly rate: number;
  /** Holds back what the workers cannot keep up with, and does not make up for it. Default: produces whatever comes. */
  readonly backlog?: {
    /** Records on the topic that are not accounted for, at most. */
    readonly max: number;
    readonly ended: () => Promise<number>;
  };
}

const TICK_MS = 50;
/** What an outage held back comes in pieces of this size: about 200 KB, and one large record. */
const BATCH_MAX = 1_000;
const RETRY_MS = 200;
/** An outage longer than this fails the test. */
const GIVE_UP_MS = 60_000;

export class Producer {
  readonly #settings: ProducerSettings;
  #acknowledged = 0;
  #stopped = false;
  #running: Promise<void> | null = null;

  constructor(settings: ProducerSettings) {
    this.#settings = settings;
  }

  /** Records of the workload that are on the topic. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  start(): void {
    this.#running ??= this.#run();
    // Told by `finished`; without this a failure before that call would end the process.
    this.#running.catch(() => undefined);
  }

  /** Resolves when the share of the workload (0 to 1) is on the topic. */
  async reached(share: number, timeoutMs: number): Promise<void> {
    const count = Math.ceil(share * this.#settings.workload.length);
    await Promise.race([
      until({ what: `${count} records produced`, timeoutMs }, () => this.#acknowledged >= count),
      // Only its failure ends the wait early.
      (this.#running ?? Promise.resolve()).then(() => new Promise<never>(() => undefined)),
    ]);
  }

  /** Resolves when all of it is on the topic; rejects when it gave up. */
  async finished(): Promise<void> {
    await this.#running;
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { workload, rate, backlog } = this.#settings;
    let last = performance.now();
    let owed = 0;
    while (this.#acknowledged < workload.length && !this.#stopped) {
      await delay(TICK_MS);
      const now = performance.now();
      owed += ((now - last) / 1000) * rate;
      last = now;
      if (backlog !== undefined) owed = Math.min(owed, await this.#roomFor(backlog));
      const count = Math.min(BATCH_MAX, Math.floor(owed));
      owed -= count;
      const batch = workload.slice(this.#acknowledged, this.#acknowledged + count);
      if (batch.length > 0) await this.#send(batch);
    }
  }

  async #roomFor({ max, ended }: NonNullable<ProducerSettings['backlog']>): Promise<number> {
    const known = await ended().catch(() => null);
    // The ledger is away: what it has accounted for is not known just now.
    return known === null ? 0 : Math.max(0, max - (this.#acknowledged - known));
  }

  async #send(batch: readonly PlannedRecord[]): Promise<void> {
    const { topic } = this.#settings;
    const byPartition = Map.groupBy(batch, ({ id, record: { key } }) =>
      // The Java client spreads records without a key over all partitions.
      partitionOf(key === null ? id : key, topic.partitions),
    );
    await Promise.all([...byPartition].map(([partition, records]) => this.#deliver(partition, records)));
    this.#acknowledged += batch.length;
  }

  async #deliver(partition: number, planned: readonly PlannedRecord[]): Promise<void> {
    for (const records of requestsOf(planned)) await this.#request(partition, records);
  }

  async #request(partition: number, records: readonly RecordToProduce[]): Promise<void> {
    const { client, topic } = this.#settings;
    const deadline = performance.now() + GIVE_UP_MS;
    for (;;) {
      try {
        await client.produce(topic.name, partition, records);
        return;
      } catch (error) {
        if (this.#stopped || performance.now() > deadline) throw error;
        await delay(RETRY_MS);
      }
    }
  }
}

/** One with a time of its own goes alone: the client's encoder garbles a time far before the batch's first. */
function requestsOf(planned: readonly PlannedRecord[]): RecordToProduce[][] {
  const requests: RecordToProduce[][] = [[]];
  for (const { record } of planned) {
    if (record.timestampMs === undefined) requests.at(-1)?.push(record);
    else requests.push([record], []);
  }
  return requests.filter((records) => records.length > 0);
}
