/**
 * Publishes results: partition p of the source goes to partition p of the results topic (modulo its count).
 *
 * U1 One send in flight a partition of the results topic, in the order of the calls.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { ResultRecord } from '../../engine/ports.ts';
import type { Cluster } from './cluster.ts';
import { KAFKA, KafkaRefusal, problemOf } from './kafka-errors.ts';
import type { Producer } from './producer.ts';

export interface ResultsPublisherOptions {
  readonly cluster: Cluster;
  readonly producer: Producer;
  readonly topic: string;
  /** Makes the topic again when it is gone, if allowed; throws SB-3012 otherwise. */
  readonly ensureTopic: () => Promise<void>;
}

export class ResultsPublisher {
  readonly #options: ResultsPublisherOptions;
  /** End of the last send by partition of the results topic; at most one waits behind it per source partition. */
  readonly #last = new Map<number, Promise<unknown>>();

  constructor(options: ResultsPublisherOptions) {
    this.#options = options;
  }

  /** Throws SB-3001, SB-3004, SB-3005, SB-3012 or SB-3017: send the same again. */
  async publish(partition: number, results: readonly ResultRecord[]): Promise<void> {
    const { cluster, producer, topic } = this.#options;
    const count = cluster.topic(topic)?.leaders.length ?? 0;
    const target = count === 0 ? partition : partition % count;
    const before = this.#last.get(target) ?? Promise.resolve();
    const sent = before.then(() => producer.append(target, results));
    this.#last.set(
      target,
      sent.catch(() => undefined),
    );
    try {
      await sent;
    } catch (error) {
      const reason = await this.#afterFailure(error);
      const problem = problemOf(reason, `publishing to ${topic}`);
      // Never final: permissions and topics can be given while we run, and the results wait in the ledger.
      throw new SignalboxError(problem.code, problem.detail, { cause: reason });
    }
  }

  /** The reason to tell. */
  async #afterFailure(error: unknown): Promise<unknown> {
    if (!(error instanceof KafkaRefusal) || error.errorCode !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION)
      return error;
    try {
      await this.#options.ensureTopic();
      return error;
    } catch (reason) {
      return reason;
    }
  }
}
