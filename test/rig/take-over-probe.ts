/**
 * Notes each take-over where it happens: a trigger on the ledger's partitions, in the transaction of the take-over
 * itself. The ledger keeps only the last one, and the logs tell of it later.
 *
 * TP1 `repeated` counts what the new owner gets to see once more: rows and dead letters at or above the watermark
 *     it starts from. The take-over has waited for the commits of the owner before, so none is missed.
 */
import type { TakeOverEvent } from '../../src/checkers/evidence.ts';
import type { LedgerClient } from './ledger-client.ts';

export interface NotedTakeOver extends TakeOverEvent {
  /** Null: nothing was accounted yet. */
  readonly watermark: number | null;
  readonly repeated: number;
}

const INSTALL = `
create schema rig;
create table rig.take_overs (
  sequence bigint generated always as identity primary key,
  partition integer not null, epoch bigint not null, worker text not null, at timestamptz not null,
  watermark bigint, repeated bigint not null
);
create function rig.note_take_over() returns trigger language plpgsql as $$
begin
  insert into rig.take_overs (partition, epoch, worker, at, watermark, repeated)
    values (new.partition, new.epoch, new.worker, clock_timestamp(), new.watermark,
      (select count(*) from signalbox.transactions t where t.topic = new.topic and t.partition = new.partition
        and t."offset" >= coalesce(new.watermark, 0))
      + (select count(*) from signalbox.dead_letters d where d.topic = new.topic and d.partition = new.partition
        and d."offset" >= coalesce(new.watermark, 0)));
  return null;
end $$;
create trigger note_take_over after update of taken_over_at on signalbox.partitions
  for each row execute function rig.note_take_over();`;

const READ = `
select partition, epoch::float8 as epoch, worker, watermark::float8 as watermark, repeated::float8 as repeated,
  (extract(epoch from at) * 1000)::float8 as "atMs"
from rig.take_overs order by sequence`;

/** The ledger must be migrated. */
export async function installTakeOverProbe(ledger: LedgerClient): Promise<void> {
  await ledger.rows(INSTALL);
}

export async function takeOversOf(ledger: LedgerClient): Promise<NotedTakeOver[]> {
  return ledger.rows<NotedTakeOver>(READ);
}
