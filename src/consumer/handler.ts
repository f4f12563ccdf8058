/**
 * From a record as it was fetched to the user's function: deserialized, with its signal, as one kind of promise.
 * H1 A record that cannot be deserialized is poison: no attempt mends it.
 */
import type { ConsumerOptions, ConsumerRecord, HandlerContext } from './options.ts';
import type { Work } from './work.ts';

type Raw = ConsumerRecord<string | null, Buffer | null>;

class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

export function isPoison(error: unknown): boolean {
  return error instanceof PoisonError;
}

/** Calls the handler. What is no promise has completed. */
export function handlerOf<Key, Value>(
  options: ConsumerOptions<Key, Value>,
): (works: readonly Work[], context: HandlerContext) => unknown {
  const { timeoutMs, deserializers } = options;
  const handle = (records: readonly ConsumerRecord<Key, Value>[], context: HandlerContext): unknown => {
    if ('handleBatch' in options) return settled(options.handleBatch(records, context));
    const [record] = records;
    return record === undefined ? undefined : settled(options.handle(record, context));
  };
  const deserialized = deserializerOf(deserializers);
  return (works, context) => {
    const given =
      timeoutMs === undefined
        ? context
        : { ...context, signal: AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]) };
    // Without deserializers the types are those of the record as it was fetched.
    if (deserialized === null)
      return handle(
        works.map(({ record }) => record as never),
        given,
      );
    const records = works.map(({ record }) => deserialized(record));
    if (records.some((record) => record instanceof Promise))
      return Promise.all(records).then((ready) => handle(ready, given));
    return handle(records as ConsumerRecord<Key, Value>[], given);
  };
}

function deserializerOf<Key, Value>(deserializers: ConsumerOptions<Key, Value>['deserializers']) {
  if (deserializers === undefined) return null;
  const { key: ofKey, value: ofValue } = deserializers;
  return (record: Raw): ConsumerRecord<Key, Value> | Promise<ConsumerRecord<Key, Value>> => {
    try {
      const bytes = record.key === null ? null : Buffer.from(record.key);
      const key = ofKey === undefined ? record.key : ofKey(bytes, record);
      const value = ofValue === undefined ? record.value : ofValue(record.value, record);
      const typed = (ready: unknown, other: unknown) => ({
        ...record,
        key: ready as Key,
        value: other as Value,
      });
      if (!isThenable(key) && !isThenable(value)) return typed(key, value);
      return Promise.all([key, value]).then(([ready, other]) => typed(ready, other), poisoned);
    } catch (error) {
      return poisoned(error);
    }
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

function settled(value: unknown): unknown {
  return value instanceof Promise || !isThenable(value) ? value : Promise.resolve(value);
}

function poisoned(error: unknown): never {
  throw new PoisonError(error instanceof Error ? error.message : String(error), { cause: error });
}
