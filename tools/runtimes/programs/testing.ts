/** What a user of `signalbox/testing` relies on, tried on whatever runtime this is. Throws when it is not so. */
import assert from 'node:assert/strict';
import { simulate } from 'signalbox/testing';

const report = await simulate({
  seeds: 20,
  types: { sale: { steps: [{ name: 'dispense', participant: 'machine' }] } },
  durable: () => new Map<string, 'started' | 'done'>(),
  participants: ({ durable, machine }) => ({
    machine: {
      capabilities: { replay: true },
      steps: {
        dispense: {
          execute: async (call) => {
            if (durable.get(call.key) === 'started') return { outcome: 'pending' };
            if (!durable.has(call.key)) {
              durable.set(call.key, 'started');
              await machine.effect(call, () => durable.set(call.key, 'done'));
            }
            return { outcome: 'done', evidence: {} };
          },
        },
      },
    },
  }),
});
assert.equal(report.worlds, 20);
assert.ok(report.completed > 0);
assert.equal(report.effects, report.completed);
console.log(
  `${report.worlds} worlds, ${report.transactions} transactions, each effect once through their faults`,
);
