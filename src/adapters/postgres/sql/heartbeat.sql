-- What a worker says about itself every second, with the outcomes of its last spans ($14, each with its whole count);
-- that it started, or began to drain, is noted as an event. $1 worker, $2 topic, $3 group, $4 version, $5 started at,
-- $6 draining, $7 partitions, $8 waiting, $9 parked, $10 lanes, $11 resident bytes, $12 lag, $13 deepest lanes.
-- Workers not heard of for a day are forgotten, and series and events past their time.
--
-- Plan: workers is as small as the fleet and read as a whole; series by its primary key; events_at; those in doubt are
-- counted in transactions_open.
with forgotten as (
  delete from signalbox.workers where heartbeat_at < now() - interval '1 day' and worker <> $1
), old_series as (
  delete from signalbox.series where topic = $2 and at < now() - interval '25 hours'
), old_events as (
  delete from signalbox.events where topic = $2 and at < now() - interval '35 days'
), before as (
  select w.draining from signalbox.workers w where w.worker = $1 and w.started_at = $5
), noted as (
  insert into signalbox.events (at, kind, topic, worker, version)
    select date_trunc('milliseconds', now()), kind.kind, $2, $1, $4
    from (values ('worker_started', not exists (select from before)),
      ('worker_draining', $6::boolean and not (select coalesce(bool_or(before.draining), false) from before))) kind (kind, happened)
    where kind.happened
), doubt as (
  select count(*) as count from signalbox.transactions t where t.topic = $2 and t.state = 'in_doubt'
), counted as (
  insert into signalbox.series (topic, at, worker, started_at, completed, rolled_back, in_doubt, latency)
    select $2, to_timestamp((span ->> 'atMs')::bigint / 1000.0), $1, $5, (span ->> 'completed')::bigint,
      (span ->> 'rolledBack')::bigint, doubt.count,
      array(select jsonb_array_elements_text(span -> 'latency')::integer)
    from jsonb_array_elements($14::jsonb) span, doubt
    on conflict (topic, at, worker, started_at) do update set completed = excluded.completed,
      rolled_back = excluded.rolled_back, in_doubt = greatest(series.in_doubt, excluded.in_doubt),
      latency = excluded.latency
)
insert into signalbox.workers (worker, topic, "group", version, started_at, heartbeat_at, draining, partitions,
    waiting, parked, lanes, rss_bytes, lag, deepest)
  values ($1, $2, $3, $4, $5, date_trunc('milliseconds', now()), $6, $7, $8, $9, $10, $11, $12, $13)
  on conflict (worker) do update set topic = excluded.topic, "group" = excluded."group",
    version = excluded.version, started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at,
    draining = excluded.draining, partitions = excluded.partitions, waiting = excluded.waiting,
    parked = excluded.parked, lanes = excluded.lanes, rss_bytes = excluded.rss_bytes, lag = excluded.lag,
    deepest = excluded.deepest
