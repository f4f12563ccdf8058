/** What is still open in a simulated world, for people; empty when nothing is: it has converged. */
import { isFinal } from '../core/states.ts';
import type { SimBroker } from './broker.ts';
import { placeOf } from './ledger-rows.ts';
import type { SimLedgerStore } from './ledger-store.ts';

/** So many are named. */
const NAMED_MAX = 10;

export function openWork(store: SimLedgerStore, broker: SimBroker): string {
  const open: string[] = [];
  for (let partition = 0; partition < broker.topic.partitions; partition += 1)
    open.push(...openIn(partition, store, broker));
  // Most looks end here: rows are many.
  if (open.length > 0) return open.slice(0, NAMED_MAX).join('; ');
  for (const row of store.rows.values()) {
    if (isFinal(row.state)) continue;
    open.push(`${row.id} ${row.state} at ${row.location} ${row.code}`);
    if (open.length === NAMED_MAX) break;
  }
  for (const { command, outcome } of store.commands.values())
    if (outcome === null) open.push(`command ${command.sequence} ${command.action} ${command.id}`);
  return open.slice(0, NAMED_MAX).join('; ');
}

function openIn(partition: number, store: SimLedgerStore, broker: SimBroker): string[] {
  if ((broker.records[partition]?.length ?? 0) === 0) return [];
  const known = store.partitions.get(placeOf(broker.topic.name, partition));
  const end = broker.endOffset(partition);
  const group = broker.groupOffsets.get(partition);
  const open: string[] = [];
  if ((known?.watermark ?? 0) < end) open.push(`watermark ${partition}: ${known?.watermark} of ${end}`);
  if ((group ?? 0) < end) open.push(`group offset ${partition}: ${group} of ${end}`);
  if ((known?.published ?? 0) < (known?.lastNumber ?? 0))
    open.push(`published ${partition}: ${known?.published} of ${known?.lastNumber}`);
  return open;
}
