-- Names of locations that have an outcome, in byte order. $1 after this name (null: from the first), $2 limit.
-- Plan: one step into transactions_location for each name, however many outcomes it has.
with recursive name as (
  (select t.location, 1 as place
    from signalbox.transactions t
    where t.number is not null and ($1::text is null or t.location > $1)
    order by t.location
    limit 1)
  union all
  select next.location, name.place + 1
  from name
  cross join lateral (
    select t.location
    from signalbox.transactions t
    where t.number is not null and t.location > name.location
    order by t.location
    limit 1) next
  where name.place < $2
)
select coalesce(json_agg(name.location order by name.place), '[]') as answer from name
