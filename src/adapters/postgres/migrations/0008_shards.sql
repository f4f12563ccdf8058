-- One ledger on several servers (design, section 3): partition p lives on the shard p mod shards, and nowhere else.
--
-- SH1 A server that is a shard says so: which one, of how many, and of which set. It never changes: partitions that
--     changed their shard would begin anew there, without their epochs and without the ids that were used.
-- SH2 A shard takes no partition of another one, whatever a worker was told of the servers.

create table signalbox.shard (
  singleton boolean primary key default true check (singleton),
  set_id uuid not null,                   -- the same on each shard
  number integer not null check (number >= 0 and number < shards),
  shards integer not null check (shards > 1),
  complete boolean not null default false -- on shard 0: each of the others has its row
);
create function signalbox.refuse_change_of_shard() returns trigger language plpgsql as $$
begin
  raise exception 'what a shard is does not change' using errcode = 'integrity_constraint_violation';
end $$;
create trigger shard_stays before update on signalbox.shard
  for each row when ((old.set_id, old.number, old.shards) is distinct from (new.set_id, new.number, new.shards))
  execute function signalbox.refuse_change_of_shard();

-- Makes an empty ledger a shard; nothing when it is one. SQLSTATE SB005: it has been used. The lock waits for take-overs
-- under way, and those that come later see the row. Decisions are numbered so that a number names its shard: number mod
-- shards.
create function signalbox.become_shard(the_set uuid, the_number integer, the_shards integer) returns void
language plpgsql as $$
begin
  lock table signalbox.partitions in share row exclusive mode;
  if exists (select from signalbox.shard) then
    return;
  end if;
  if exists (select from signalbox.partitions) or exists (select from signalbox.commands) then
    raise exception 'the ledger has been used' using errcode = 'SB005';
  end if;
  insert into signalbox.shard (set_id, number, shards) values (the_set, the_number, the_shards);
  execute format('alter table signalbox.commands alter column sequence set increment by %s restart with %s',
    the_shards, the_shards + the_number);
end $$;

-- SH2, once a partition. SQLSTATE SB004.
create function signalbox.refuse_partition_of_other() returns trigger language plpgsql as $$
declare
  own record;
begin
  select s.number, s.shards into own from signalbox.shard s where new.partition % s.shards <> s.number;
  if found then
    raise exception 'partition % does not belong to shard % of %', new.partition, own.number, own.shards
      using errcode = 'SB004';
  end if;
  return null;
end $$;
create trigger partitions_of_shard after insert on signalbox.partitions
  for each row execute function signalbox.refuse_partition_of_other();
