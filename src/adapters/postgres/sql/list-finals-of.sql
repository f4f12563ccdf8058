-- Transactions of one location with an outcome, the newest first. $1 topic, $2 location, $3 states, $4 type, $5 code, $6
-- from (Unix ms), $7 and $8 time (Unix ms) and id of the last one looked at, $9 how many are looked at, $10 limit.
-- Plan: transactions_location backwards, $9 rows; transitions_id for the code.
with scanned as (
  select t.id, t.finished_at, ($3::signalbox.state[] is null or t.state = any($3))
      and ($4::text is null or t.type = $4)
      and ($5::text is null or t.code = $5
        or exists (select from signalbox.transitions h where h.id = t.id and h.code = $5)) as fits
  from (
    select t.id, t.finished_at, t.state, t.type, t.code
    from signalbox.transactions t
    where t.topic = $1 and t.location = $2 and t.number is not null
      and ($6::bigint is null or t.finished_at >= to_timestamp($6 / 1000.0))
      and ($7::bigint is null or (t.finished_at <= to_timestamp($7 / 1000.0)
        and (t.finished_at, t.id) < (to_timestamp($7 / 1000.0), $8::text)))
    order by t.finished_at desc, t.id desc
    limit $9) t
), page as (
  select s.id, s.finished_at from scanned s where s.fits order by s.finished_at desc, s.id desc limit $10
), cut as (
  -- The last one listed when the page is full, else the last one looked at when there may be more.
  (select p.finished_at, p.id from page p
    where (select count(*) from page) = $10
    order by p.finished_at, p.id limit 1)
  union all
  (select s.finished_at, s.id from scanned s
    where (select count(*) from page) < $10 and (select count(*) from scanned) = $9
    order by s.finished_at, s.id limit 1)
)
select json_build_object(
  'items', (
    select coalesce(json_agg(signalbox.list_item(t) order by t.finished_at desc, t.id desc), '[]')
    from page
    join signalbox.transactions t on t.id = page.id),
  'last', (
    select json_build_object('atMs', round(extract(epoch from cut.finished_at) * 1000), 'id', cut.id)
    from cut),
  'to', (select cut.finished_at from cut)) as answer
