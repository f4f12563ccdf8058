-- Everything known about one location now. $1 topic, $2 location, $3 the partition its key falls in (or null).
--
-- Plan: holders by transactions_holder (location, slot), at most `concurrency` rows, each with one step into
-- transitions_id; parked rows by transactions_parked, a step into it for each partition and then those of the
-- location alone; the last result by transactions_location backwards, one row; locations as a whole for the
-- patterns; the rest by primary key.
with holder as (
  select t.id, t.partition, t.slot, t.state, t.step, t.plan, t.token, t.code, t.detail, t.attempts, t.next_attempt_at,
    t.not_after, coalesce(entered.at, t.changed_at) as since
  from signalbox.transactions t
  -- Asking again changes the row too: a holder is in its state since the last change that was one of state.
  -- An executing row is changed by each attempt, and by nothing else.
  left join lateral (
    select h.at
    from signalbox.transitions h
    where h.id = t.id and h."from" <> h."to"
    order by h.sequence desc
    limit 1) entered on t.state <> 'executing'
  where t.location = $2 and t.state in ('executing', 'in_doubt', 'reversing', 'held')
), parked as (
  select count(*) as count, min(t.partition) as partition, min(t."offset") as first_offset
  from signalbox.transactions t
  where t.topic = $1 and t.location = $2 and t.state = 'received'
), place as (
  select coalesce((select min(holder.partition) from holder), parked.partition, $3::integer) as partition
  from parked
)
select json_build_object(
  'now', statement_timestamp(),
  'holders', (
    select coalesce(json_agg(json_build_object(
        'id', holder.id, 'slot', holder.slot, 'state', holder.state, 'step', holder.step, 'plan', holder.plan,
        'token', holder.token::text, 'since', holder.since, 'code', holder.code, 'detail', holder.detail, 'attempts', holder.attempts,
        'nextAttemptAt', holder.next_attempt_at, 'notAfter', holder.not_after) order by holder.slot), '[]')
    from holder),
  'parked', (select parked.count from parked),
  'parkedSince', (
    select t.changed_at
    from parked
    join signalbox.transactions t on t.topic = $1 and t.partition = parked.partition and t.location = $2
      and t."offset" = parked.first_offset and t.state = 'received'
    limit 1),
  'partition', place.partition,
  'epoch', (select p.epoch from signalbox.partitions p where p.topic = $1 and p.partition = place.partition),
  'owner', (
    select json_build_object(
      'worker', p.worker, 'heartbeatAt', w.heartbeat_at, 'waiting', (w.deepest ->> $2)::integer,
      'alive', coalesce(w.heartbeat_at >= statement_timestamp() - interval '10 seconds', false))
    from signalbox.partitions p
    left join signalbox.workers w on w.worker = p.worker
    where p.topic = $1 and p.partition = place.partition and p.worker is not null),
  'settings', (
    select json_build_object('location', l.location, 'concurrency', l.concurrency, 'paused', l.paused,
      'reason', l.reason, 'actor', l.actor)
    from signalbox.locations l
    where l.location = $2),
  'patterns', (
    select coalesce(json_agg(json_build_object('location', l.location, 'concurrency', l.concurrency,
      'paused', l.paused, 'reason', l.reason, 'actor', l.actor)), '[]')
    from signalbox.locations l
    where l.location ~ '[*?]' and (l.paused or l.concurrency is not null)),
  'last', (
    select json_build_object('id', newest.id, 'state', newest.state, 'finishedAt', newest.finished_at)
    from signalbox.transactions newest
    where newest.location = $2 and newest.number is not null
    order by newest.finished_at desc
    limit 1)
) as answer
from place
