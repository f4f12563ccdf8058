-- Dead letters of a topic by code, at most the newest 100,000. $1 topic. Plan: dead_letters_at backwards.
select coalesce(json_agg(json_build_object(
    'code', d.code, 'records', d.records, 'open', d.open, 'partitions', d.partitions, 'firstAt', d.first_at,
    'lastAt', d.last_at) order by d.open > 0 desc, d.last_at desc), '[]') as answer
from (
  select d.code, count(*) as records, count(*) filter (where d.state in ('open', 'replaying')) as open,
    (array_agg(distinct d.partition order by d.partition))[:16] as partitions, min(d.at) as first_at, max(d.at) as last_at
  from (
    select code, state, partition, at from signalbox.dead_letters
    where topic = $1
    order by at desc
    limit 100000) d
  group by d.code) d
