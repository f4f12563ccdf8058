-- Take-over, last: the hand-over as an event. Who had the partition was read with the first statement. A worker not
-- heard of for two seconds was lost; the gap is from its last heartbeat. $1 topic, $2 partition, $3 worker, $4 epoch,
-- $5 who had it; no row when nobody did. Plan: workers_pkey.
insert into signalbox.events (at, kind, topic, worker, partition, epoch, from_worker, lost, gap_ms)
  select date_trunc('milliseconds', clock_timestamp()), 'hand_over', $1, $3, $2, $4, $5,
    coalesce(silent.ms > 2000, false), case when silent.ms > 2000 then silent.ms end
  from (select (
    select round(extract(epoch from clock_timestamp() - w.heartbeat_at) * 1000)
    from signalbox.workers w
    where w.worker = $5 and w.worker <> $3 and not w.draining) as ms) silent
  where $5::text is not null
