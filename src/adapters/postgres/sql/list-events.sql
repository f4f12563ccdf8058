-- What happened to the fleet, the newest first. $1 topic, $2 since (Unix ms), $3 limit. Plan: events_at backwards.
select coalesce(json_agg(json_build_object(
    'at', e.at, 'kind', e.kind, 'worker', e.worker, 'version', e.version, 'partition', e.partition, 'epoch', e.epoch,
    'fromWorker', e.from_worker, 'lost', e.lost, 'gapMs', e.gap_ms) order by e.at desc, e.sequence desc), '[]') as answer
from (
  select *
  from signalbox.events
  where topic = $1 and at >= to_timestamp($2::bigint / 1000.0)
  order by at desc, sequence desc
  limit $3) e
