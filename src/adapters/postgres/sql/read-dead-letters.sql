-- The newest dead letters of a topic. $1 topic, $2 limit.
-- Plan: dead_letters_at backwards, until $2 rows of the topic are found.
select coalesce(json_agg(json_build_object(
    'partition', d.partition, 'offset', d."offset", 'code', d.code, 'detail', d.detail, 'id', d.id,
    'location', d.location, 'at', d.at)
  order by d.at desc, d.partition, d."offset" desc), '[]') as answer
from (
  select *
  from signalbox.dead_letters
  where topic = $1
  order by at desc
  limit $2) d
