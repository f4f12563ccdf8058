/** A hash of all that happened in a simulated world, so that two runs of one seed can be compared. */
import type { SimBroker } from './broker.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import type { VirtualWorld } from './world.ts';

/** FNV-1a, 32 bits. */
const BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

export function traceOf({
  virtual,
  store,
  broker,
}: {
  readonly virtual: VirtualWorld;
  readonly store: SimLedgerStore;
  readonly broker: SimBroker;
}): string {
  let hash = BASIS;
  const mix = (text: string) => {
    for (let index = 0; index < text.length; index += 1)
      hash = Math.imul(hash ^ text.charCodeAt(index), PRIME);
  };
  for (const { id, atMs, event, token, worker, epoch } of store.transitions)
    mix(`${id} ${atMs} ${event} ${token} ${worker} ${epoch}`);
  for (const { record } of broker.results) mix(record.value);
  return `${hex(virtual.trace)}${hex(hash)}`;
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0');
}
