/** Where the coordinator of the group is. Cached until somebody finds it gone. */
import { findCoordinatorV6 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { answerOf, KAFKA, KafkaRefusal } from './kafka-errors.ts';
import type { BrokerAddress } from './settings.ts';

const GROUP = 0;

export class Coordinator {
  readonly #cluster: Cluster;
  readonly #group: string;
  #address: BrokerAddress | null = null;

  constructor(cluster: Cluster, group: string) {
    this.#cluster = cluster;
    this.#group = group;
  }

  /** Rejects when no broker answers or none knows it yet. */
  async find(): Promise<BrokerAddress> {
    if (this.#address !== null) return this.#address;
    const connection = await this.#cluster.any();
    const answer = await answerOf(findCoordinatorV6.api.async(connection, GROUP, [this.#group]));
    const found = answer.coordinators[0];
    const errorCode = found?.errorCode ?? KAFKA.COORDINATOR_NOT_AVAILABLE;
    if (found === undefined || errorCode !== KAFKA.NONE) {
      throw new KafkaRefusal(`coordinator of ${this.#group}`, errorCode);
    }
    this.#address = { host: found.host, port: found.port };
    return this.#address;
  }

  forget(): void {
    this.#address = null;
  }
}
