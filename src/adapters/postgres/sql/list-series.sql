-- Outcomes of the fleet by span, and the times to outcome of the last 15 minutes. $1 topic, $2 range and $3 span in ms.
-- Plan: the primary key of series, from the beginning of the range on.
with edge as (
  select to_timestamp(floor(extract(epoch from statement_timestamp()) * 1000 / $3::bigint) * $3 / 1000.0) as last_at
), spans as (
  select to_timestamp(floor(extract(epoch from s.at) * 1000 / $3::bigint) * $3 / 1000.0) as at,
    sum(s.completed) as completed, sum(s.rolled_back) as rolled_back, max(s.in_doubt) as in_doubt
  from signalbox.series s, edge
  where s.topic = $1 and s.at > edge.last_at - ($2::bigint - $3) * interval '1 millisecond' - $3 * interval '1 millisecond'
  group by 1
)
select json_build_object(
  'now', statement_timestamp(),
  'points', (
    select json_agg(json_build_object('at', at.at, 'completed', coalesce(spans.completed, 0),
      'rolledBack', coalesce(spans.rolled_back, 0), 'inDoubt', coalesce(spans.in_doubt, 0)) order by at.at)
    from edge
    cross join lateral generate_series(edge.last_at - ($2::bigint - $3) * interval '1 millisecond', edge.last_at,
      $3 * interval '1 millisecond') at (at)
    left join spans on spans.at = at.at),
  'latency', (
    select coalesce(json_agg(bucket.count order by bucket.place), '[]')
    from (
      select l.place, sum(l.count) as count
      from signalbox.series s
      cross join lateral unnest(s.latency) with ordinality l (count, place)
      where s.topic = $1 and s.at > statement_timestamp() - interval '15 minutes'
      group by l.place) bucket)) as answer
