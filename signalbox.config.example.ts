/**
 * Configuration of Signalbox: copy it to signalbox.config.ts and change it. Every field is optional; environment
 * variables win over it. docs/reference/configuration.md lists them all.
 */
import type { SignalboxConfig } from 'signalbox';

export default {
  topic: 'cash.transactions',
  group: 'signalbox',

  // Whatever carries out steps. Credentials come from the environment, not from a file in a repository.
  participants: {
    dispenser: {
      url: 'http://{location}.dispensers.internal:8080',
      headers: { authorization: `Bearer ${process.env.DISPENSER_TOKEN ?? ''}` },
    },
    accounts: { url: 'https://accounts.internal/signalbox' },
  },

  // Without types any type is accepted and has one step `apply` at the participant `default`.
  types: {
    withdraw: {
      version: 2,
      deadlineMs: 10 * 60_000,
      steps: [
        { name: 'reserve', participant: 'accounts', timeoutMs: 5_000 },
        { name: 'dispense', participant: 'dispenser', timeoutMs: 30_000 },
        { name: 'book', participant: 'accounts', timeoutMs: 5_000 },
      ],
      // Transactions that are still open under the plan of the former version go on with it.
      earlier: [{ version: 1, steps: [{ name: 'dispense', participant: 'dispenser', timeoutMs: 30_000 }] }],
    },
    refill: { steps: [{ name: 'apply', participant: 'dispenser', timeoutMs: 60_000 }] },
  },

  // Transactions at once at one location: 1, but for these. The first pattern that matches counts.
  limits: {
    'DEPOT-*': { concurrency: 4 },
  },

  api: { host: '127.0.0.1', port: 7070 },
} satisfies SignalboxConfig;
