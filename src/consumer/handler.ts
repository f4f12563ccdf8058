/**
 * From a record as it was fetched to the user's function: deserialized, with its signal, as one kind of promise.
 * H1 A record that cannot be deserialized is poison: no attempt mends it.
 */
import type { ConsumerOptions, ConsumerRecord, InBatches, OneByOne } from './options.ts';
import type { ConsumerHost, Work } from './work.ts';

class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

export function isPoison(error: unknown): boolean {
  return error instanceof PoisonError;
}

/** Calls the handler with a record, or with those of a batch behind the first. What is no promise has completed. */
export function handlerOf<Key, Value>(options: ConsumerOptions<Key, Value>): ConsumerHost['call'] {
  const { timeoutMs } = options;
  const given = 'handleBatch' in options ? batchHandlerOf(options) : recordHandlerOf(options);
  if (timeoutMs === undefined) return given;
  return (work, more, context) =>
    given(work, more, {
      ...context,
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]),
    });
}

function recordHandlerOf<Key, Value>(options: OneByOne<Key, Value>): ConsumerHost['call'] {
  const deserialized = deserializerOf(options.deserializers);
  return (work, _more, context) => {
    // Without deserializers the types are those of the record as it was fetched.
    const record = deserialized === null ? (work.record as never) : deserialized(work);
    if (record instanceof Promise) return record.then((ready) => options.handle(ready, context));
    return settled(options.handle(record, context));
  };
}

function batchHandlerOf<Key, Value>(options: InBatches<Key, Value>): ConsumerHost['call'] {
  const deserialized = deserializerOf(options.deserializers);
  return (first, more, context) => {
    const works = [first, ...more];
    if (deserialized === null)
      return settled(
        options.handleBatch(
          works.map(({ record }) => record as never),
          context,
        ),
      );
    const records = works.map(deserialized);
    if (records.some((record) => record instanceof Promise))
      return Promise.all(records).then((ready) => options.handleBatch(ready, context));
    return settled(options.handleBatch(records as ConsumerRecord<Key, Value>[], context));
  };
}

function deserializerOf<Key, Value>(deserializers: ConsumerOptions<Key, Value>['deserializers']) {
  if (deserializers === undefined) return null;
  const { key: ofKey, value: ofValue } = deserializers;
  return (work: Work): ConsumerRecord<Key, Value> | Promise<ConsumerRecord<Key, Value>> => {
    const { record } = work;
    try {
      const key = ofKey === undefined ? record.key : ofKey(work.keyBytes, record);
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

/** One kind of promise, that settles once: a thenable of another kind may do as it likes. */
function settled(value: unknown): unknown {
  return isThenable(value) ? Promise.resolve(value) : value;
}

function poisoned(error: unknown): never {
  throw new PoisonError(error instanceof Error ? error.message : String(error), { cause: error });
}
