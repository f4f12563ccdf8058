-- Locations: first those with open transactions, records in memory or settings that differ from the defaults,
-- the worst and longest first; then those whose transactions finished last. $1 topic, $2 group, $3 limit.
--
-- Plan: holders by transactions_open (topic, partition, state), as many as there are; parked rows are counted in
-- transactions_parked alone, and the first of each lane is looked up in it; the $3 newest results of each partition, of
-- many partitions fewer (5,000 in all, but 50 of each), by transactions_number backwards; locations and workers are small.
-- Limits of patterns come beside the list.
with holder as (
  select t.location, t.state, coalesce(entered.at, t.changed_at) as since,
    array_position('{held,in_doubt,reversing,executing}'::signalbox.state[], t.state) as rank
  from signalbox.transactions t
  left join lateral (
    select h.at
    from signalbox.transitions h
    where h.id = t.id and h."from" <> h."to"
    order by h.sequence desc
    limit 1) entered on t.state in ('in_doubt', 'reversing', 'held')
  where t.topic = $1 and t.state in ('executing', 'in_doubt', 'reversing', 'held')
), lane as (
  select t.partition, t.location, count(*) as parked, min(t."offset") as first_offset
  from signalbox.transactions t
  where t.topic = $1 and t.state = 'received'
  group by t.partition, t.location
), open as (
  select grouped.location, sum(grouped.holders) as holders, sum(grouped.parked) as parked, min(grouped.rank) as rank,
    (array_agg(grouped.state order by grouped.rank, grouped.since))[1] as state,
    (array_agg(grouped.since order by grouped.rank, grouped.since))[1] as since
  from (
    select holder.location, 1 as holders, 0 as parked, holder.state, holder.since, holder.rank
    from holder
    union all
    select lane.location, 0, lane.parked, 'received', first.changed_at, 5
    from lane
    cross join lateral (
      select t.changed_at
      from signalbox.transactions t
      where t.topic = $1 and t.partition = lane.partition and t.location = lane.location
        and t."offset" = lane.first_offset and t.state = 'received'
      limit 1) first) grouped
  group by grouped.location
), memory as (
  select deep.key as location, sum(deep.value::bigint) as waiting
  from signalbox.workers w, jsonb_each_text(w.deepest) deep
  where w.topic = $1 and w."group" = $2 and w.heartbeat_at >= statement_timestamp() - interval '10 seconds'
  group by deep.key
), seen as (
  select newest.location, max(newest.finished_at) as at
  from signalbox.partitions p
  cross join lateral (
    select t.location, t.finished_at
    from signalbox.transactions t
    where t.topic = p.topic and t.partition = p.partition and t.number is not null
    order by t.number desc
    limit (select least($3, greatest(50, 5000 / count(*))) from signalbox.partitions o where o.topic = $1)) newest
  where p.topic = $1
  group by newest.location
), listed as (
  select location, open.holders, open.parked, open.state, open.since, memory.waiting, seen.at,
    l.concurrency, coalesce(l.paused, false) as paused, l.reason, l.actor,
    case
      when open.rank is not null then open.rank
      when l.paused then 6
      when memory.waiting > 0 then 7
      when l.concurrency is not null then 8
      else 9
    end as rank
  from open
  full join memory using (location)
  full join seen using (location)
  full join (
    select own.location, own.concurrency, own.paused, own.reason, own.actor
    from signalbox.locations own
    where own.location !~ '[*?]') l using (location)
  order by rank, open.since, seen.at desc nulls last, location collate "C"
  limit $3
)
select json_build_object('patterns', (
    select coalesce(json_agg(json_build_object('location', pattern.location, 'concurrency', pattern.concurrency,
      'paused', pattern.paused, 'reason', pattern.reason, 'actor', pattern.actor)), '[]')
    from signalbox.locations pattern
    where pattern.location ~ '[*?]' and (pattern.paused or pattern.concurrency is not null)),
  'locations', coalesce(json_agg(json_build_object(
    'location', listed.location, 'state', listed.state, 'holders', coalesce(listed.holders, 0),
    'concurrency', listed.concurrency, 'waiting', coalesce(listed.parked, 0) + coalesce(listed.waiting, 0),
    'since', listed.since, 'paused', listed.paused, 'reason', listed.reason, 'actor', listed.actor)
  order by listed.rank, listed.since, listed.at desc nulls last, listed.location collate "C"), '[]')) as answer
from listed
