/**
 * Sends the records of one partition in order: one request in flight; what comes meanwhile goes into the next.
 *
 * Z1 A batch is sent again until it is acknowledged or given up; nothing newer overtakes it.
 * Z2 At most `WAITING_BYTES_MAX` wait; a call beyond that is refused (SB-3016).
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { World } from '../../engine/ports.ts';
import { type ProducerRecord, recordBytes } from './batch-encoding.ts';
import { KafkaRefusal, problemOf } from './kafka-errors.ts';
import type { Producer } from './producer.ts';
import { BackOff, pause } from './waiting.ts';

/** Some seconds of a busy producer; over all partitions of a sender that is well below its process's memory. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, TOPIC_AUTHORIZATION_FAILED, INVALID_RECORD: the same again cannot help. */
const HOPELESS: readonly number[] = [10, 18, 29, 87];

export interface PartitionQueueOptions {
  readonly world: World;
  readonly producer: Pick<Producer, 'append'>;
  readonly partition: number;
  /** A call whose records are not acknowledged within this time is given up. */
  readonly timeoutMs: number;
}

interface Call {
  readonly records: readonly ProducerRecord[];
  readonly bytes: number;
  readonly giveUpAtMs: number;
  readonly done: PromiseWithResolvers<void>;
}

export class PartitionQueue {
  readonly #options: PartitionQueueOptions;
  #waiting: Call[] = [];
  #waitingBytes = 0;
  #sending = false;

  constructor(options: PartitionQueueOptions) {
    this.#options = options;
  }

  /** Resolves when all are acknowledged. Throws SB-3001, SB-3004, SB-3005, SB-3016, SB-3017: some may have arrived. */
  send(records: readonly ProducerRecord[]): Promise<void> {
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      return Promise.reject(new SignalboxError('SB-3016', `partition ${this.#options.partition}`));
    }
    const giveUpAtMs = this.#options.world.monotonic() + this.#options.timeoutMs;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ records, bytes, giveUpAtMs, done });
    this.#waitingBytes += bytes;
    if (!this.#sending) void this.#run();
    return done.promise;
  }

  async #run(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.length > 0) {
      const calls = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      await this.#sendAll(calls);
    }
    this.#sending = false;
  }

  async #sendAll(calls: readonly Call[]): Promise<void> {
    const { world, producer, partition } = this.#options;
    const records = calls.flatMap((call) => call.records);
    const giveUpAtMs = Math.max(...calls.map((call) => call.giveUpAtMs));
    const backOff = new BackOff(world);
    for (;;) {
      try {
        await producer.append(partition, records);
        for (const { done } of calls) done.resolve();
        return;
      } catch (error) {
        const waitMs = backOff.next();
        if (isHopeless(error) || world.monotonic() + waitMs > giveUpAtMs) {
          const problem = problemOf(error, `sending to partition ${partition}`);
          for (const { done } of calls) done.reject(problem);
          return;
        }
        await pause(world, waitMs);
      }
    }
  }
}

function isHopeless(error: unknown): boolean {
  if (error instanceof KafkaRefusal) return HOPELESS.includes(error.errorCode);
  return problemOf(error, '').final;
}
