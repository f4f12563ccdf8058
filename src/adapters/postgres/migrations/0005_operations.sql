-- Decisions of people, and the audit of all they do (design, sections 5 and 6).
--
-- A1 Each act of a person is appended to the audit in the transaction that does it.
-- A2 The audit is a chain: each row's hash covers its fields and the hash of the row before. Appends are serialized by
--    the lock of one row. A ledger commit has the rows of its partitions by then, and nobody waits for those while
--    holding this one. (Two commits that bring the same new id could still meet here: Postgres ends one, and the
--    worker sends it again.)

create table signalbox.audit (
  sequence bigint primary key,            -- from 1, without gaps
  at timestamptz not null,
  actor text not null,
  action text not null,
  target text not null,
  reason text not null,
  detail text not null,
  previous_hash bytea not null,           -- of the first: empty
  hash bytea not null
);
create index audit_target on signalbox.audit (target, sequence); -- people act seldom: it costs no commit
create trigger audit_append_only before update or delete or truncate on signalbox.audit
  for each statement execute function signalbox.refuse_change();

-- The end of the chain: one row.
create table signalbox.audit_end (
  singleton boolean primary key default true check (singleton),
  sequence bigint not null,
  hash bytea not null
);
insert into signalbox.audit_end (sequence, hash) values (0, '');

-- hash = sha256(previous hash || UTF-8 of sequence, at in Unix ms, actor, action, target, reason, detail, each as
-- <length in characters>:<text>). Lengths, so that no two rows have the same text.
create function signalbox.append_audit(
  the_actor text, the_action text, the_target text, the_reason text, the_detail text)
returns void language plpgsql as $$
declare
  last record;
  now_at timestamptz;
  fields text;
begin
  select e.sequence, e.hash into last from signalbox.audit_end e for update;
  now_at := date_trunc('milliseconds', clock_timestamp());
  select string_agg(length(f.text) || ':' || f.text, '' order by f.place) into fields
    from unnest(array[(last.sequence + 1)::text, round(extract(epoch from now_at) * 1000)::text, the_actor,
      the_action, the_target, the_reason, the_detail]) with ordinality f(text, place);
  insert into signalbox.audit (sequence, at, actor, action, target, reason, detail, previous_hash, hash)
    values (last.sequence + 1, now_at, the_actor, the_action, the_target, the_reason, the_detail, last.hash,
      sha256(last.hash || convert_to(fields, 'UTF8')))
    returning audit.sequence, audit.hash into last;
  update signalbox.audit_end e set sequence = last.sequence, hash = last.hash;
end $$;

-- Decisions about one transaction, applied by the worker that owns the partition. The states are those of
-- COMMAND_STATES in src/core/commands.ts (a test compares the two).
create table signalbox.commands (
  sequence bigint generated always as identity primary key,
  topic text collate "C" not null,
  partition integer not null,
  id text collate "C" not null,
  location text collate "C" not null,
  action text not null,
  expected_state signalbox.state not null,
  expected_token bigint,
  evidence text,                          -- of `complete`: a JSON object
  reason text not null,
  actor text not null,
  proposed_at timestamptz not null default now(),
  needs_approval boolean not null default false,
  approved_by text,                       -- a second person, never the actor
  expires_at timestamptz,                 -- of a proposal that nobody approved
  applied_at timestamptz,                 -- applied or refused; null: it waits for the owner
  outcome text check (outcome in ('applied', 'refused')),
  found text,                             -- of a refusal: the state and token that were there
  worker text,
  epoch bigint,
  constraint approved_by_another check (approved_by is null or approved_by <> actor),
  constraint action_is_for_state check (case action
    when 'cancel' then expected_state = 'received'
    when 'ask' then expected_state in ('in_doubt', 'reversing', 'held')
    when 'complete' then expected_state in ('in_doubt', 'held')
    when 'roll_back' then expected_state in ('in_doubt', 'reversing', 'held')
    when 'retry' then expected_state in ('in_doubt', 'held')
    else false end)
);
create index commands_open on signalbox.commands (topic, partition) where applied_at is null;

-- Called inside the ledger commit that carries a command out, or finds that it cannot.
create function signalbox.mark_command(
  the_sequence bigint, applied boolean, found_state text, found_token bigint, the_worker text, the_epoch bigint)
returns void language plpgsql as $$
declare
  marked record;
  found_text text := case when applied then null
    when found_state is null then 'no such transaction'
    else found_state || coalesce(' under token ' || found_token, '') end;
begin
  update signalbox.commands c set applied_at = date_trunc('milliseconds', clock_timestamp()),
      outcome = case when applied then 'applied' else 'refused' end, found = found_text, worker = the_worker,
      epoch = the_epoch
    where c.sequence = the_sequence and c.applied_at is null
    returning c.actor, c.action, c.id, c.reason into marked;
  if found then
    perform signalbox.append_audit(marked.actor, marked.action || case when applied then ' applied' else ' refused' end,
      'transaction ' || marked.id, marked.reason,
      'command ' || the_sequence || coalesce(', found ' || found_text, ''));
  end if;
end $$;
