/** The public names of `signalbox/consumer`. */
export { createConsumer, type KafkaOptions } from './cli/compose-consumer.ts';
export type { Consumer } from './consumer/consumer.ts';
export type {
  ConsumerEvent,
  ConsumerHealth,
  ConsumerOptions,
  ConsumerRecord,
  HandlerContext,
  InBatches,
  OneByOne,
  Order,
  RetryOptions,
} from './consumer/options.ts';
export { SignalboxError } from './core/errors/catalogue.ts';
