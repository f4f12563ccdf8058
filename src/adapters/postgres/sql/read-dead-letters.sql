-- The newest dead letters of a topic. $1 topic, $2 limit, $3 only unresolved ones, $4 code (null: any).
-- Plan: dead_letters_unresolved or dead_letters_at backwards, until $2 rows are found.
select coalesce(json_agg(json_build_object(
    'partition', d.partition, 'offset', d."offset", 'code', d.code, 'detail', d.detail, 'id', d.id,
    'location', d.location, 'at', d.at, 'state', d.state, 'replayedAs', d.replayed_as)
  order by d.at desc, d.partition, d."offset" desc), '[]') as answer
from (
  select *
  from signalbox.dead_letters
  where topic = $1 and (not $3::boolean or state in ('open', 'replaying')) and ($4::text is null or code = $4)
  order by at desc
  limit $2) d
