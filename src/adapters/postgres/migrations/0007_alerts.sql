-- What people are told by webhooks (src/engine/ports-alerts.ts). Nothing of the protocol reads or writes it.

-- Whose turn it is to look at the fleet: the number of the last turn and when it was taken.
create table signalbox.alert_turns (
  topic text collate "C" primary key,
  turn bigint not null,
  at timestamptz not null
);

-- What is the case and was told. What is over has no row.
create table signalbox.alerts (
  topic text collate "C" not null,
  key text collate "C" not null,
  kind text not null,
  since timestamptz not null,
  data jsonb not null,
  primary key (topic, key)
);

-- One message a webhook for each alert that was opened or resolved. Kept for seven days.
create table signalbox.alert_messages (
  sequence bigint generated always as identity primary key,
  id uuid not null unique default gen_random_uuid(),
  topic text collate "C" not null,
  webhook text not null,
  key text collate "C" not null,
  body text not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  delivered_at timestamptz,
  given_up_at timestamptz,
  detail text                             -- why the last attempt was not taken
);
create index alert_messages_open on signalbox.alert_messages (topic, webhook, sequence)
  where delivered_at is null and given_up_at is null;
create index alert_messages_created on signalbox.alert_messages (created_at);
