/**
 * A standby that lags takes the place of the ledger: what was written since its copy was made is lost, although it was
 * answered. Tokens go on above all that were given, as they do where the sequence is replicated ahead.
 */
import type { SimCommand, SimPartition, SimRow, SimTransition } from './ledger-rows.ts';
import type { SimLedgerStore } from './ledger-store.ts';

export interface LedgerCopy {
  readonly rows: ReadonlyMap<string, SimRow>;
  readonly partitions: ReadonlyMap<string, SimPartition>;
  readonly commands: ReadonlyMap<number, SimCommand>;
  readonly deadLetters: SimLedgerStore['deadLetters'];
  readonly transitions: readonly SimTransition[];
}

/** What is never changed in place is shared: dead letters, transitions, the payload of a row. */
export function copyOf({ rows, partitions, commands, deadLetters, transitions }: SimLedgerStore): LedgerCopy {
  return {
    rows: copied(rows),
    partitions: copied(partitions),
    commands: copied(commands),
    deadLetters: new Map(deadLetters),
    transitions: transitions.slice(),
  };
}

/** The copy becomes the store's own. */
export function failOver(store: SimLedgerStore, copy: LedgerCopy): void {
  const { rows, partitions, commands, deadLetters, transitions } = copy;
  refill(store.rows, rows);
  refill(store.partitions, partitions);
  refill(store.commands, commands);
  refill(store.deadLetters, deadLetters);
  store.transitions.splice(0, Number.POSITIVE_INFINITY, ...transitions);
  store.rehold();
}

function copied<K, V extends object>(map: ReadonlyMap<K, V>): Map<K, V> {
  const copy = new Map<K, V>();
  for (const [key, value] of map) copy.set(key, { ...value });
  return copy;
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
}
