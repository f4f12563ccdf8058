-- The fleet at a glance: partitions with their counters, open transactions by state, workers of the last day.
-- $1 topic, $2 group. One statement, so one snapshot; one row, answer json.
--
-- Plan: partitions by primary key (a row a partition); transactions only through the partial index
-- transactions_open (topic, partition, state) and transactions_parked, index only, however many are final;
-- workers is as small as the fleet. No final row is ever read: completed = last_number - skipped - rolled_back.
select json_build_object(
  'now', statement_timestamp(),
  'partitions', (
    select coalesce(json_agg(json_build_object(
        'partition', p.partition, 'owner', p.worker, 'epoch', p.epoch, 'watermark', p.watermark,
        'published', p.published, 'lastNumber', p.last_number, 'skipped', p.skipped, 'rolledBack', p.rolled_back,
        'deadLetters', p.dead_letters, 'duplicates', p.duplicates) order by p.partition), '[]')
    from signalbox.partitions p
    where p.topic = $1 and p."group" = $2),
  'open', (
    select coalesce(json_object_agg(o.state, o.count), '{}')
    from (
      select t.state, count(*) as count
      from signalbox.transactions t
      where t.topic = $1 and t.state in ('executing', 'in_doubt', 'reversing', 'held')
      group by t.state
      union all
      select 'received', count(*)
      from signalbox.transactions t
      where t.topic = $1 and t.state = 'received') o),
  'workers', (
    select coalesce(json_agg(json_build_object(
        'worker', w.worker, 'version', w.version, 'startedAt', w.started_at, 'heartbeatAt', w.heartbeat_at,
        'alive', w.heartbeat_at >= statement_timestamp() - interval '10 seconds',
        'draining', w.draining, 'partitions', w.partitions, 'waiting', w.waiting, 'parked', w.parked, 'lanes', w.lanes,
        'rssBytes', w.rss_bytes, 'lag', w.lag) order by w.worker), '[]')
    from signalbox.workers w
    where w.topic = $1 and w."group" = $2
      and w.heartbeat_at > statement_timestamp() - interval '1 day')
) as answer
