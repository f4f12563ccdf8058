-- Locations at which something is open or waits, or that an operator has set; the worst and longest first. $1 topic,
-- $2 group, $3 limit. Limits of patterns come beside the list.
--
-- Plan: holders by transactions_open, as many as there are; parked rows are counted in transactions_parked alone, and
-- the first of each lane is looked up in it; workers and locations are small.
with holder as (
  select t.location, t.id, t.state, t.code, t.detail, coalesce(entered.at, t.changed_at) as since,
    array_position('{held,in_doubt,reversing,executing}'::signalbox.state[], t.state) as rank
  from signalbox.transactions t
  left join lateral (
    select h.at
    from signalbox.transitions h
    where h.id = t.id and h."from" <> h."to"
    order by h.sequence desc
    limit 1) entered on t.state in ('in_doubt', 'reversing', 'held')
  where t.topic = $1 and t.state in ('executing', 'in_doubt', 'reversing', 'held')
), worst as (
  select holder.location, count(*) as holders, min(holder.rank) as rank,
    (array_agg(holder.state order by holder.rank, holder.since))[1] as state,
    (array_agg(holder.since order by holder.rank, holder.since))[1] as since,
    (array_agg(holder.id order by holder.rank, holder.since))[1] as id,
    (array_agg(holder.code order by holder.rank, holder.since))[1] as code,
    (array_agg(holder.detail order by holder.rank, holder.since))[1] as detail
  from holder
  group by holder.location
), lane as (
  select t.partition, t.location, count(*) as parked, min(t."offset") as first_offset
  from signalbox.transactions t
  where t.topic = $1 and t.state = 'received'
  group by t.partition, t.location
), parked as (
  select lane.location, sum(lane.parked) as parked, min(first.changed_at) as since
  from lane
  cross join lateral (
    select t.changed_at
    from signalbox.transactions t
    where t.topic = $1 and t.partition = lane.partition and t.location = lane.location
      and t."offset" = lane.first_offset and t.state = 'received'
    limit 1) first
  group by lane.location
), memory as (
  select deep.key as location, sum(deep.value::bigint) as waiting
  from signalbox.workers w, jsonb_each_text(w.deepest) deep
  where w.topic = $1 and w."group" = $2 and w.heartbeat_at >= statement_timestamp() - interval '10 seconds'
  group by deep.key
), listed as (
  select location, worst.holders, worst.state, worst.since, worst.id, worst.code, worst.detail, parked.parked,
    parked.since as parked_since, memory.waiting, l.concurrency, coalesce(l.paused, false) as paused, l.reason, l.actor,
    coalesce(worst.rank, case when parked.parked > 0 then 5 when l.paused then 6 when memory.waiting > 0 then 7 else 8 end)
      as rank
  from worst
  full join parked using (location)
  full join memory using (location)
  full join (
    select own.location, own.concurrency, own.paused, own.reason, own.actor
    from signalbox.locations own
    where own.location !~ '[*?]' and (own.paused or own.concurrency is not null)) l using (location)
  order by rank, coalesce(worst.since, parked.since), location collate "C"
  limit $3
)
select json_build_object('patterns', (
    select coalesce(json_agg(json_build_object('location', pattern.location, 'concurrency', pattern.concurrency,
      'paused', pattern.paused, 'reason', pattern.reason, 'actor', pattern.actor)), '[]')
    from signalbox.locations pattern
    where pattern.location ~ '[*?]' and (pattern.paused or pattern.concurrency is not null)),
  'locations', coalesce(json_agg(json_build_object(
    'location', listed.location, 'state', coalesce(listed.state::text, case when listed.parked > 0 then 'received' end),
    'holders', coalesce(listed.holders, 0), 'waiting', coalesce(listed.parked, 0) + coalesce(listed.waiting, 0),
    'since', coalesce(listed.since, listed.parked_since), 'waitingSince', listed.parked_since, 'holder', listed.id,
    'code', listed.code, 'detail', listed.detail, 'concurrency', listed.concurrency, 'paused', listed.paused,
    'reason', listed.reason, 'actor', listed.actor)
  order by listed.rank, coalesce(listed.since, listed.parked_since), listed.location collate "C"), '[]')) as answer
from listed
