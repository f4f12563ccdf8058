/**
 * The TransactionLog on Apache Kafka: puts its parts together and is the only one that speaks to the listener.
 *
 * States: new → opening → open → closing → closed.
 * L1 The listener is called from loops of its own, never from inside a call of the log.
 * L2 Each part has its own connections: member (two kinds), fetcher, committer, results, and one for questions.
 * L3 Nothing ends by itself but by `close`: every part tries for ever and says so.
 */
import { assert, SignalboxError } from '../../core/errors/catalogue.ts';
import type { LogHealth, LogListener, ResultRecord, Topic, TransactionLog } from '../../engine/ports.ts';
import { checkApiVersions } from './api-versions.ts';
import { Cluster } from './cluster.ts';
import { Committer } from './committer.ts';
import { Coordinator } from './coordinator.ts';
import { EndOffsets } from './end-offsets.ts';
import { Fetcher } from './fetcher.ts';
import { KafkaGroupWire } from './group-wire.ts';
import { problemOf } from './kafka-errors.ts';
import { lastResult } from './last-result.ts';
import { Leases } from './leases.ts';
import { Member } from './member.ts';
import { KafkaOffsetWire } from './offset-wire.ts';
import { Producer } from './producer.ts';
import { Reach } from './reach.ts';
import { ResultsPublisher } from './results-publisher.ts';
import { type GroupTimes, groupTimes, type KafkaLogSettings } from './settings.ts';
import { TopicWatch } from './topic-watch.ts';
import { type CheckedTopic, checkTopic, ensureResultsTopic } from './topics.ts';
import { BackOff, pause } from './waiting.ts';

interface Parts {
  readonly watch: TopicWatch;
  readonly fetcher: Fetcher;
  readonly committer: Committer;
  readonly member: Member;
  readonly leases: Leases;
}

const COMMIT_INTERVAL_MS = 1_000;
const TOPIC_POLL_MS = 10_000;
/** The last commit of a hand-over: ample for a broker that is well, and never more than what is left of the rebalance. */
const COMMIT_MS_MAX = 5_000;
const COMMIT_MS_MIN = 1_000;
/** At `close` somebody waits for the process to end; the ledger's watermark repairs the group's. */
const LAST_COMMIT_MS = 2_000;

export class KafkaLog implements TransactionLog {
  readonly #settings: KafkaLogSettings;
  readonly #times: GroupTimes;
  /** Null: there is none. */
  readonly #resultsTopic: string | null;
  readonly #cluster: Cluster;
  readonly #results: { readonly producer: Producer; readonly publisher: ResultsPublisher } | null;
  readonly #endOffsets: EndOffsets;
  #listener: LogListener | null = null;
  #reach: Reach | null = null;
  #topic: Topic | null = null;
  #parts: Parts | null = null;
  #closing: Promise<void> | null = null;
  #madeAnew: string | null = null;

  constructor(settings: KafkaLogSettings) {
    const { world, topic } = settings;
    this.#settings = settings;
    this.#times = groupTimes(settings);
    this.#resultsTopic = settings.resultsTopic === undefined ? `${topic}.results` : settings.resultsTopic;
    this.#cluster = new Cluster({
      world,
      settings,
      topics: this.#resultsTopic === null ? [topic] : [topic, this.#resultsTopic],
      refreshed: () => this.#parts?.fetcher.reroute(),
    });
    this.#results = this.#resultsTopic === null ? null : this.#openResults(this.#resultsTopic);
    this.#endOffsets = new EndOffsets({ world, cluster: this.#cluster, topic });
  }

  get topic(): Topic {
    assert(this.#topic !== null, 'the topic is known after open');
    return { ...this.#topic, partitions: this.#parts?.watch.partitions ?? this.#topic.partitions };
  }

  /** Rejects with SB-3002, SB-3003, SB-3004, SB-3005, SB-3006, SB-3007, SB-3012 or SB-5002, all final. */
  async open(listener: LogListener): Promise<void> {
    assert(this.#listener === null, 'a log is opened once');
    this.#listener = listener;
    this.#reach = new Reach({ world: this.#settings.world, tell: (error) => this.#tell(error, null) });
    const { facts, retentionMs, warnings } = await this.#untilChecked(this.#reach);
    const topic = { name: facts.name, id: facts.id, partitions: facts.leaders.length, retentionMs };
    this.#topic = topic;
    for (const warning of warnings) this.#tell(warning, null);
    this.#parts = this.#assemble(topic, this.#reach, listener);
    try {
      await this.#parts.member.start();
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  start(partition: number, offset: number | null): void {
    if (this.#madeAnew !== null) this.#tellMadeAnew(partition, this.#madeAnew);
    else this.#opened().leases.start(partition, offset);
  }

  pause(partition: number): void {
    this.#opened().leases.pause(partition);
  }

  resume(partition: number): void {
    this.#opened().leases.resume(partition);
  }

  mayBegin(): boolean {
    return this.#parts?.member.mayBegin() ?? false;
  }

  commit(partition: number, offset: number, metadata = ''): void {
    if (this.#madeAnew === null) this.#opened().committer.note(partition, offset, metadata);
  }

  async publish(partition: number, results: readonly ResultRecord[]): Promise<void> {
    assert(this.#results !== null, 'this log has no results topic');
    await this.#results.publisher.publish(partition, results);
  }

  async lastPublished(partition: number, where: 'end' | 'all'): Promise<number> {
    assert(this.#resultsTopic !== null, 'this log has no results topic');
    const facts = this.#cluster.topic(this.#resultsTopic);
    const count = facts?.leaders.length ?? 0;
    if (facts === null || count === 0)
      throw new SignalboxError('SB-3001', `no leader of ${this.#resultsTopic}`);
    try {
      return await lastResult(this.#cluster, {
        results: { name: facts.name, id: facts.id, partition: partition % count },
        source: { name: this.topic.name, partition },
        where,
      });
    } catch (error) {
      await this.#cluster.refresh().catch(() => undefined);
      const { code, detail } = problemOf(error, `reading ${this.#resultsTopic}`);
      throw new SignalboxError(code, detail, { cause: error });
    }
  }

  async endOffsets(): Promise<ReadonlyMap<number, number>> {
    try {
      return await this.#endOffsets.get();
    } catch (error) {
      const { code, detail } = problemOf(error, 'end offsets');
      throw new SignalboxError(code, detail, { cause: error });
    }
  }

  health(): LogHealth {
    const reach = this.#reach;
    const connected = this.#parts !== null && this.#closing === null && (reach?.connected ?? false);
    return { connected, joined: this.#parts?.member.joined ?? false, problem: reach?.problem ?? null };
  }

  async close(budgetMs: number): Promise<void> {
    this.#closing ??= this.#close(budgetMs);
    await this.#closing;
  }

  // ------------------------------------------------------------------------------------------ opening

  /** Tries until the brokers have answered everything. Throws what is final. */
  async #untilChecked(reach: Reach): Promise<CheckedTopic> {
    const { world } = this.#settings;
    const backOff = new BackOff(world);
    while (this.#closing === null) {
      try {
        const checked = await this.#check();
        reach.succeeded('open');
        return checked;
      } catch (error) {
        const problem = problemOf(error, this.#settings.brokers.join(','));
        const waits = problem.code === 'SB-3002' && this.#settings.waitForTopic === true;
        if (problem.final && !waits) {
          await this.close(0);
          throw problem;
        }
        reach.failed('open', problem);
      }
      await pause(world, backOff.next());
    }
    throw new SignalboxError('SB-3001', 'closed before it was open', { final: true });
  }

  async #check(): Promise<CheckedTopic> {
    await checkApiVersions(await this.#cluster.any());
    await this.#cluster.refresh();
    const checked = await checkTopic(this.#cluster, this.#settings.topic);
    await this.#ensureResults();
    return checked;
  }

  #openResults(topic: string) {
    const { world } = this.#settings;
    const producer = new Producer({ world, settings: this.#settings, cluster: this.#cluster, topic });
    const publisher = new ResultsPublisher({
      cluster: this.#cluster,
      producer,
      topic,
      ensureTopic: () => this.#ensureResults(),
    });
    return { producer, publisher };
  }

  async #ensureResults(): Promise<void> {
    if (this.#resultsTopic === null) return;
    await ensureResultsTopic({
      world: this.#settings.world,
      cluster: this.#cluster,
      name: this.#resultsTopic,
      partitions: this.#cluster.topic(this.#settings.topic)?.leaders.length ?? 1,
      create: this.#settings.createResultsTopic,
    });
  }

  #assemble(topic: Topic, reach: Reach, listener: LogListener): Parts {
    const settings = this.#settings;
    const { world } = settings;
    const cluster = this.#cluster;
    const coordinator = new Coordinator(cluster, settings.group);
    const reached = (component: string, error: SignalboxError | null): void => {
      if (error === null) reach.succeeded(component);
      else reach.failed(component, error);
    };
    const watch = new TopicWatch({
      world,
      cluster,
      reach,
      topic,
      pollMs: settings.topicPollMs ?? TOPIC_POLL_MS,
      grew: (partitions, before) => {
        this.#tell(new SignalboxError('SB-3011', `${topic.name}: ${before} before, ${partitions} now`), null);
        member.partitionsGrew();
      },
      madeAnew: (detail) => {
        this.#madeAnew = detail;
        for (const partition of leases.partitions) {
          fetcher.stop(partition);
          // Commits go by the name of the topic: our offsets mean nothing in the new one.
          committer.forget(partition);
          this.#tellMadeAnew(partition, detail);
        }
      },
    });
    const fetcher = new Fetcher({
      world,
      settings,
      topic,
      cluster,
      reach,
      deliver: (batch) => listener.records(batch),
      problem: (error, partition) => this.#tell(error, partition),
      topicUnknown: () => watch.look(),
    });
    const committer = new Committer({
      world,
      wire: new KafkaOffsetWire({ world, settings, coordinator }),
      intervalMs: settings.commitIntervalMs ?? COMMIT_INTERVAL_MS,
      identity: () => member.identity,
      proven: (sentAt) => member.proven(sentAt),
      unknownMember: (memberId) => member.unknown(memberId),
      reached,
    });
    const left = (this.#times.rebalanceTimeoutMs - this.#times.drainBudgetMs) / 2;
    const commitMs = Math.max(COMMIT_MS_MIN, Math.min(COMMIT_MS_MAX, left));
    const leases = new Leases({ world, fetcher, committer, listener });
    const { drainBudgetMs: budgetMs } = this.#times;
    const member = new Member({
      world,
      wire: new KafkaGroupWire({ world, settings, times: this.#times, coordinator }),
      times: this.#times,
      topic: topic.name,
      partitionCount: () => watch.partitions,
      listener: {
        assigned: (partitions) => leases.assigned(partitions),
        revoke: (partitions) => leases.revoke(partitions, { budgetMs, commitMs }),
        lost: (partitions) => leases.lost(partitions),
        resumed: () => listener.resumed(),
        reached,
        problem: (error) => this.#tell(error, null),
      },
    });
    return { watch, fetcher, committer, member, leases };
  }

  // ------------------------------------------------------------------------------------------ closing

  async #close(budgetMs: number): Promise<void> {
    const parts = this.#parts;
    if (parts !== null) {
      const { watch, fetcher, committer, member, leases } = parts;
      member.takeNoMore();
      watch.close();
      // L1: not in the turn of the caller.
      await pause(this.#settings.world, 0);
      await leases.revoke(leases.partitions, { budgetMs, commitMs: LAST_COMMIT_MS });
      await member.leave();
      await Promise.all([fetcher.close(), committer.close()]);
    }
    await Promise.all([this.#results?.producer.close(), this.#cluster.close()]);
  }

  // ------------------------------------------------------------------------------------------ telling

  #tell(error: SignalboxError, partition: number | null): void {
    if (this.#closing === null) this.#listener?.problem(error, partition);
  }

  #tellMadeAnew(partition: number, detail: string): void {
    const { world } = this.#settings;
    // L1: `start` may be the caller.
    world.soon(() => this.#tell(new SignalboxError('SB-3009', detail, { final: true }), partition));
  }

  #opened(): Parts {
    assert(this.#parts !== null, 'the log is open');
    return this.#parts;
  }
}
