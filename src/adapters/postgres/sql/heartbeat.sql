-- What a worker says about itself every second. Workers not heard of for a day are forgotten; the table stays
-- small, so it is read as a whole.
with forgotten as (
  delete from signalbox.workers where heartbeat_at < now() - interval '1 day' and worker <> $1)
insert into signalbox.workers (worker, topic, "group", version, started_at, heartbeat_at, draining, partitions,
    waiting, parked, lanes, rss_bytes, lag, deepest)
  values ($1, $2, $3, $4, $5, date_trunc('milliseconds', now()), $6, $7, $8, $9, $10, $11, $12, $13)
  on conflict (worker) do update set topic = excluded.topic, "group" = excluded."group",
    version = excluded.version, started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at,
    draining = excluded.draining, partitions = excluded.partitions, waiting = excluded.waiting,
    parked = excluded.parked, lanes = excluded.lanes, rss_bytes = excluded.rss_bytes, lag = excluded.lag,
    deepest = excluded.deepest
