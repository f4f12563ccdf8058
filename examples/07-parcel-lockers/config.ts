/** Two kinds of transactions at a bank of parcel lockers; the location is the bank, and one door of it opens at a time. */
import type { SignalboxConfig } from 'signalbox';

const participant = 'lockers';

export default {
  topic: process.env.TOPIC ?? 'parcels',
  participants: { lockers: { url: process.env.LOCKERS_URL ?? 'http://127.0.0.1:8090' } },
  types: {
    // A door that does not open gives the compartment back: `reserve` is reversed.
    deposit: {
      steps: [
        { name: 'reserve', participant },
        { name: 'open', participant },
      ],
    },
    // Whoever has the parcel does not bring it back: after the door nothing may refuse.
    collect: {
      steps: [
        { name: 'check', participant },
        { name: 'open', participant, irreversible: true },
        { name: 'free', participant, canRefuse: false },
      ],
    },
  },
} satisfies SignalboxConfig;
