/**
 * Looks at the topic again and again: has it grown, is it still the same one?
 *
 * H1 Another topic id is another topic: told once, and nothing of it is fetched (the fetcher asks by the old id).
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { Topic, World } from '../../engine/ports.ts';
import type { Cluster } from './cluster.ts';
import { KAFKA, problemOf } from './kafka-errors.ts';
import type { Reach } from './reach.ts';
import { BackOff, Bell } from './waiting.ts';

export interface TopicWatchOptions {
  readonly world: World;
  readonly cluster: Cluster;
  readonly reach: Reach;
  /** As it was at the start. */
  readonly topic: Topic;
  readonly pollMs: number;
  readonly grew: (partitions: number, before: number) => void;
  readonly madeAnew: (detail: string) => void;
}

export class TopicWatch {
  readonly #options: TopicWatchOptions;
  readonly #bell: Bell;
  #partitions: number;
  #madeAnew = false;
  #closed = false;

  constructor(options: TopicWatchOptions) {
    this.#options = options;
    this.#bell = new Bell(options.world);
    this.#partitions = options.topic.partitions;
    void this.#run();
  }

  get partitions(): number {
    return this.#partitions;
  }

  /** Somebody doubts the topic: look now. */
  look(): void {
    this.#bell.ring();
  }

  close(): void {
    this.#closed = true;
    this.#bell.ring();
  }

  async #run(): Promise<void> {
    const { world, cluster, reach, pollMs } = this.#options;
    const backOff = new BackOff(world);
    let waitMs = pollMs;
    while (!this.#closed) {
      await this.#bell.wait(waitMs);
      if (this.#closed) return;
      try {
        await cluster.refresh();
        reach.succeeded('metadata');
        this.#compare();
        backOff.reset();
        waitMs = pollMs;
      } catch (error) {
        if (this.#closed) return;
        reach.failed('metadata', problemOf(error, 'metadata'));
        waitMs = Math.min(backOff.next(), pollMs);
      }
    }
  }

  #compare(): void {
    const { cluster, reach, topic } = this.#options;
    const facts = cluster.topic(topic.name);
    if (facts === null || facts.errorCode !== KAFKA.NONE) {
      if (facts?.errorCode !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION) return;
      reach.failed('topic', new SignalboxError('SB-3002', `${topic.name} was deleted`));
      return;
    }
    if (facts.id !== topic.id) {
      const detail = `${topic.name}: id ${facts.id}, it was ${topic.id}`;
      reach.failed('topic', new SignalboxError('SB-3009', detail));
      if (!this.#madeAnew) this.#options.madeAnew(detail);
      this.#madeAnew = true;
      return;
    }
    reach.succeeded('topic');
    const before = this.#partitions;
    // Fewer is an answer of a broker that lags: topics never shrink.
    if (facts.leaders.length <= before) return;
    this.#partitions = facts.leaders.length;
    this.#options.grew(this.#partitions, before);
  }
}
