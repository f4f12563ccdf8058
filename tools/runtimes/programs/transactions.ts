/** What a user of `signalbox` relies on, tried on whatever runtime this is. Throws when it is not so. */
import assert from 'node:assert/strict';
import { createSignalbox } from 'signalbox';

const { BROKERS = '', TOPIC = '', LEDGER = '', TRANSACTIONS = '' } = process.env;
const transactions = Number(TRANSACTIONS);
const LOCATIONS = 6;
const REFUSED_EVERY = 7;

const effects = new Set<string>();
const running = new Set<string>();
/** A step that throws is in doubt, not over, so what is wrong is kept for the end. */
const broken: string[] = [];

const signalbox = createSignalbox({
  kafka: { brokers: [BROKERS] },
  topic: TOPIC,
  ledger: { url: LEDGER },
  participants: {
    till: {
      capabilities: { replay: true },
      steps: {
        reserve: {
          execute: async ({ key, location }) => {
            if (running.has(location)) broken.push(`two at ${location} at once`);
            running.add(location);
            await new Promise((resolve) => setTimeout(resolve, 2));
            running.delete(location);
            effects.add(key);
            return { outcome: 'done', evidence: {} };
          },
          reverse: ({ key }) => {
            effects.delete(key);
            return { outcome: 'reversed' };
          },
        },
        dispense: {
          execute: ({ data }) =>
            Number(data.amount) % REFUSED_EVERY === 0
              ? { outcome: 'refused', reason: 'empty' }
              : { outcome: 'done', evidence: {} },
        },
      },
    },
  },
  types: {
    withdrawal: {
      steps: [
        { name: 'reserve', participant: 'till' },
        { name: 'dispense', participant: 'till' },
      ],
    },
  },
});

await signalbox.start();
const events = signalbox.events();
for (let amount = 1; amount <= transactions; amount += 1)
  await signalbox.submit({
    id: `w-${amount}`,
    type: 'withdrawal',
    location: `till-${amount % LOCATIONS}`,
    data: { amount },
  });
const states = { completed: 0, rolled_back: 0 };
for await (const event of events) {
  if (event.type !== 'finished') continue;
  states[event.state] += 1;
  if (states.completed + states.rolled_back === transactions) break;
}
const { clean } = await signalbox.stop();
assert.ok(clean);
assert.deepEqual(broken, []);
assert.equal(states.rolled_back, Math.floor(transactions / REFUSED_EVERY));
assert.equal(effects.size, states.completed);
console.log(`${states.completed} completed, ${states.rolled_back} rolled back`);
