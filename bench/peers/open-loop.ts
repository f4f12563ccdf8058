/** The producer of W4, a process of its own: a record every millisecond whether the last one is done or not. */
import { KafkaSender } from '../../src/adapters/kafka/kafka-sender.ts';
import { realWorld } from '../../src/adapters/node/world.ts';
import { make, recordValue } from './dataset.ts';
import { OPEN_LOOP, work } from './works.ts';

const TICK_MS = 1;

const [broker = '', topic = '', count = '0'] = process.argv.slice(2);
const sender = new KafkaSender({ brokers: [broker], clientId: 'open-loop', topic, world: realWorld() });
const records = make(work('W4').dataset, Number(count));
const startedMs = performance.now();
const sends: Promise<void>[] = [];
const finished = Promise.withResolvers<void>();
let number = 0;

const timer = setInterval(() => {
  const due = ((performance.now() - startedMs) * OPEN_LOOP.perSecond) / 1_000;
  const batch: { key: string; value: Buffer }[] = [];
  while (number < due) {
    const { value: made, done } = records.next();
    if (done === true) {
      clearInterval(timer);
      finished.resolve();
      break;
    }
    const timeMicros = Math.round((performance.timeOrigin + performance.now()) * 1_000);
    batch.push({ key: made.location, value: recordValue(number, made, timeMicros) });
    number += 1;
  }
  if (batch.length > 0) sends.push(sender.send(batch));
}, TICK_MS);

await finished.promise;
await Promise.all(sends);
await sender.close();
