-- Transactions with an outcome, the newest first, from the newest $4 of each partition below its number. $1 topic, $2
-- partitions, $3 and their numbers, $4 how many of each, $5 states, $6 type, $7 code, $8 from (Unix ms), $9 limit.
-- Answers the items, and for each partition the number that the next page is below; `to` is how far back was searched.
--
-- What is listed is complete down to the horizon: the latest of the oldest rows looked at in partitions that go on. Rows
-- of other partitions beyond it are left to the next page, so that pages are in order of time.
-- Plan: transactions_number backwards in each partition, $4 rows, of which only the narrow columns are kept while they are
-- looked at; transitions_id for the code.
with scanned as (
  select t.id, t.finished_at, t.partition, t.number, ($5::signalbox.state[] is null or t.state = any($5))
      and ($6::text is null or t.type = $6)
      and ($7::text is null or t.code = $7
        or exists (select from signalbox.transitions h where h.id = t.id and h.code = $7)) as fits
  from unnest($2::integer[], $3::bigint[]) b (partition, below)
  cross join lateral (
    select t.id, t.finished_at, t.partition, t.number, t.state, t.type, t.code
    from signalbox.transactions t
    where t.topic = $1 and t.partition = b.partition and t.number is not null and t.number < b.below
    order by t.number desc
    limit $4) t
), oldest as (
  select s.partition, min(s.finished_at) as at from scanned s group by s.partition having count(*) = $4
), horizon as (
  select greatest(coalesce(max(oldest.at), '-infinity'), coalesce(to_timestamp($8::bigint / 1000.0), '-infinity')) as at,
    count(*) > 0 and coalesce(max(oldest.at) >= to_timestamp($8::bigint / 1000.0), true) as goes_on
  from oldest
), fitting as (
  select s.id, s.finished_at, s.partition, s.number,
    row_number() over (order by s.finished_at desc, s.partition, s.number desc) as place
  from scanned s, horizon
  where s.fits and s.finished_at >= horizon.at
), page as (
  select * from fitting where place <= $9
), cut as (
  select finished_at, partition, number from page where place = $9
), passed as (
  select s.partition, min(s.number) as number
  from scanned s cross join horizon left join cut on true
  where s.finished_at >= horizon.at and (cut.finished_at is null or s.finished_at > cut.finished_at
    or s.finished_at = cut.finished_at and (s.partition < cut.partition
      or s.partition = cut.partition and s.number >= cut.number))
  group by s.partition
)
select json_build_object(
  'items', (
    select coalesce(json_agg(signalbox.list_item(t) order by page.place), '[]')
    from page
    cross join lateral (
      select * from signalbox.transactions t
      where t.topic = $1 and t.partition = page.partition and t.number = page.number) t),
  'below', (
    select json_object_agg(b.partition, coalesce(passed.number, b.below))
    from unnest($2::integer[], $3::bigint[]) b (partition, below)
    left join passed using (partition)),
  'more', exists (select from cut) or horizon.goes_on,
  'to', case when exists (select from cut) then (select cut.finished_at from cut)
    when horizon.goes_on then horizon.at end) as answer
from horizon
