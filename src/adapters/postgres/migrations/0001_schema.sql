-- The ledger's tables (design, section 6). The commit functions are in 0002 to 0004, decisions of people
-- and the audit in 0005.
--
-- Times are timestamptz in whole milliseconds of the database clock, but record_at and expires_at, which the
-- record brings. Ids and locations compare byte by byte (collate "C"). Evidence is JSON text, not jsonb, which
-- could not hold \u0000.

create type signalbox.state as enum
  ('received', 'executing', 'in_doubt', 'reversing', 'held', 'completed', 'rolled_back');

-- Fencing tokens. CACHE 1: with more, each session owns a range and tokens go down at a take-over.
create sequence signalbox.tokens as bigint cache 1;

create table signalbox.partitions (
  topic text collate "C" not null,
  partition integer not null,
  topic_id text not null,
  "group" text not null,
  epoch bigint not null default 0,
  worker text,                            -- who took it over last; null when nobody did
  taken_over_at timestamptz,
  watermark bigint,                       -- next offset to fetch; null: nothing accounted yet
  published bigint not null default 0,    -- results up to this number are acknowledged by the broker
  last_number bigint not null default 0,  -- number of the last result; not max(number): finals are deleted some day
  rolled_back bigint not null default 0,  -- from the beginning; completed = last_number - skipped - rolled_back
  commits bigint not null default 0,      -- each writes the row: who has had more answers sees that history is lost
  skipped bigint not null default 0,      -- numbers given before the ledger lost history (sql/skip-numbers.sql)
  dead_letters bigint not null default 0,
  duplicates bigint not null default 0,
  primary key (topic, partition)
) with (fillfactor = 10);                 -- written by every commit: room for HOT updates on the row's own page

-- How many partitions a topic had when a worker last looked: locations change theirs when it grows.
create table signalbox.topics (
  topic text collate "C" primary key,
  topic_id text not null,
  partitions integer not null
);

create table signalbox.transactions (
  id text collate "C" primary key,
  topic text collate "C" not null,
  partition integer not null,
  "offset" bigint not null,
  location text collate "C" not null,
  slot integer,                           -- null: never begun (received, expired, cancelled)
  state signalbox.state not null,
  step integer not null,                  -- index in the plan
  token bigint,                           -- of the last attempt; null: never begun
  type text not null,
  plan text not null,                     -- planText(): version and names of the steps
  payload bytea not null,                 -- the record value, verbatim
  evidence text,                          -- JSON text by step name
  reason text,                            -- of a rollback, or of a retry
  code text,                              -- error code of the last attempt
  detail text,
  attempts integer not null,              -- execute calls of this step
  takeovers integer not null,             -- how many of them in a row ended by a take-over
  by_person boolean not null default false, -- a person decided to roll back
  record_at timestamptz not null,
  parked_at timestamptz,                  -- null: never parked
  began_at timestamptz,
  changed_at timestamptz not null,
  finished_at timestamptz,
  not_after timestamptz,                  -- of the last attempt
  deadline timestamptz,                   -- no attempt starts after it
  expires_at timestamptz,
  next_attempt_at timestamptz,            -- when the next call is planned, for people
  number bigint,                          -- of the result
  traceparent text,
  worker text not null,                   -- who wrote the row last, under which epoch
  epoch bigint not null,
  constraint final_is_numbered check
    ((state in ('completed', 'rolled_back')) = (number is not null) and (number is null) = (finished_at is null)),
  constraint holder_has_slot check
    (state not in ('executing', 'in_doubt', 'reversing', 'held') or (slot is not null and slot > 0 and token is not null))
)
-- Each row is inserted once and updated once or twice, and the finish is never HOT (state is in the predicates of
-- the indexes): a fillfactor of 50 or 70 saved 4 to 9 % of WAL, no CPU, and cost 7 to 14 % of space. Dead entries of
-- the partial indexes are what a take-over wades through, so they are cleaned up early.
with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0.05);

-- One holder per slot of a location, whatever partition and worker it came by: the last line of S1.
create unique index transactions_holder on signalbox.transactions (location, slot)
  where state in ('executing', 'in_doubt', 'reversing', 'held');
-- Slots that lie above a lowered concurrency are looked for here, in an index that is empty while every location
-- has one slot.
create index transactions_high_slot on signalbox.transactions (location, slot)
  where slot > 1 and state in ('executing', 'in_doubt', 'reversing', 'held');
create unique index transactions_number on signalbox.transactions (topic, partition, number)
  where number is not null;
-- Rows that are neither final nor parked. Parked ones have an index of their own: were they in this one too, a page
-- of a lane could be read by it, and each would cost the commit twice.
create index transactions_open on signalbox.transactions (topic, partition, state)
  where state in ('executing', 'in_doubt', 'reversing', 'held');
-- The lines of parked rows, in order; empty while nothing is parked.
create index transactions_parked on signalbox.transactions (topic, partition, location, "offset")
  where state = 'received';

-- Append-only history of everything that is not the plain begin and finish. "step" and "token" are those of the
-- attempt that ended; code, detail and reason what ended it.
create table signalbox.transitions (
  sequence bigint generated always as identity primary key,
  id text collate "C" not null,
  at timestamptz not null,
  event text not null,
  "from" signalbox.state not null,
  "to" signalbox.state not null,
  step integer not null,
  token bigint,
  call text,
  started_at timestamptz,
  answered_at timestamptz,
  code text,
  detail text,
  reason text,
  worker text not null,
  epoch bigint not null
);
create index transitions_id on signalbox.transitions (id, sequence);

-- What an operator set for a location, or for a pattern (* and ? cannot stand in a location); without a row the
-- configuration counts. A row is never deleted: taken back means concurrency null and paused false.
create table signalbox.locations (
  location text collate "C" primary key,
  concurrency integer check (concurrency > 0), -- null: the default
  paused boolean not null default false,
  reason text,
  actor text,
  changed_at timestamptz not null default now()
);

create table signalbox.dead_letters (
  topic_id text not null,
  partition integer not null,
  "offset" bigint not null,
  topic text collate "C" not null,
  key bytea,
  value bytea,
  headers text,                           -- JSON: [[name, value or null], …], both in base64; null: it had none
  code text not null,
  detail text not null,
  id text,
  location text,
  record_at timestamptz not null,
  at timestamptz not null,
  worker text not null,
  epoch bigint not null,
  state text not null default 'open' check (state in ('open', 'replaying', 'replayed', 'discarded')),
  resolved_at timestamptz,                -- when a person last did something about it
  resolved_by text,
  resolved_reason text,
  replayed_as text,                       -- id of the transaction that the replay brings
  primary key (topic_id, partition, "offset")
);
create index dead_letters_at on signalbox.dead_letters (at);
create index dead_letters_unresolved on signalbox.dead_letters (topic, at) where state in ('open', 'replaying');
create index dead_letters_place on signalbox.dead_letters (topic, partition, "offset");
create index dead_letters_replayed on signalbox.dead_letters (replayed_as) where replayed_as is not null;

create table signalbox.workers (
  worker text primary key,
  topic text collate "C" not null,
  "group" text not null,
  version text not null,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null,
  draining boolean not null,
  partitions integer[] not null,
  waiting integer not null,
  parked integer not null,
  lanes integer not null,
  rss_bytes bigint not null,
  lag jsonb not null,                     -- partition to lag
  deepest jsonb not null                  -- location to records waiting in memory
);

-- What happened to the fleet: a worker started, drains, or took a partition over. Kept for 35 days.
create table signalbox.events (
  sequence bigint generated always as identity primary key,
  at timestamptz not null,
  kind text not null check (kind in ('worker_started', 'worker_draining', 'hand_over')),
  topic text collate "C" not null,
  worker text not null,
  version text,                           -- of the worker that started
  partition integer,                      -- of a hand-over, and:
  epoch bigint,
  from_worker text,                       -- who had it
  lost boolean not null default false,    -- nobody had heard of that one for two seconds
  gap_ms bigint                           -- and for so long
);
create index events_at on signalbox.events (topic, at);

-- Outcomes in spans of ten seconds, written by each worker with its heartbeat, never by scanning transactions. Kept for
-- 25 hours. A worker that starts again under its name has rows of its own.
create table signalbox.series (
  topic text collate "C" not null,
  at timestamptz not null,                -- beginning of the span
  worker text not null,
  started_at timestamptz not null,
  completed bigint not null,
  rolled_back bigint not null,
  in_doubt bigint not null,               -- over the whole topic, the most at once
  latency integer[] not null,             -- times from begin to outcome by bucket (src/core/latency.ts)
  primary key (topic, at, worker, started_at)
);

create function signalbox.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger transitions_append_only before update on signalbox.transitions
  for each statement execute function signalbox.refuse_change();

-- The legal state changes, as TRANSITIONS in src/core/states.ts (a test compares the two). Finals are immutable:
-- nothing leads out of them, not even to themselves. AFTER triggers: a BEFORE one would lock each row first. The
-- conditions are short, because each statement compiles them anew.
create function signalbox.refuse_state() returns trigger language plpgsql as $$
begin
  raise exception 'transaction % cannot go from % to %', new.id,
      case when tg_op = 'UPDATE' then old.state::text else 'none' end, new.state
    using errcode = 'check_violation';
end $$;
create trigger transactions_legal_insert after insert on signalbox.transactions
  for each row when (new.state not in ('received', 'executing', 'rolled_back'))
  execute function signalbox.refuse_state();
create trigger transactions_legal_update after update on signalbox.transactions
  for each row when (old.state >= 'completed' or new.state = 'received'
    or (old.state = 'received' and new.state not in ('executing', 'rolled_back'))
    or (old.state = 'reversing' and new.state in ('executing', 'in_doubt', 'completed')))
  execute function signalbox.refuse_state();
