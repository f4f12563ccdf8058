-- The last outcomes of some locations: $1 locations, $2 how many of each at most.
-- Plan: transactions_location backwards, $2 rows a location.
select coalesce(json_agg(json_build_object(
  'location', wanted.location,
  'outcomes', newest.outcomes,
  'minutes', newest.minutes,
  'p50Ms', newest.p50,
  'rolledBack', newest.rolled_back,
  'counted', newest.counted)), '[]') as answer
from unnest($1::text[]) wanted (location)
cross join lateral (
  select
    coalesce((array_agg(t.state order by t.finished_at desc, t.id desc))[:12], '{}') as outcomes,
    coalesce(array_agg(floor(extract(epoch from statement_timestamp() - t.finished_at) / 60)::integer)
      filter (where t.finished_at > statement_timestamp() - interval '1 hour'), '{}') as minutes,
    percentile_cont(0.5) within group (order by extract(epoch from t.finished_at - t.began_at) * 1000) as p50,
    count(*) filter (where t.state = 'rolled_back') as rolled_back,
    count(*) as counted
  from (
    select t.id, t.state, t.began_at, t.finished_at
    from signalbox.transactions t
    where t.location = wanted.location and t.number is not null
    order by t.finished_at desc
    limit $2) t) newest
