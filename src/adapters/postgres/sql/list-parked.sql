-- Parked transactions by partition, location and record order. $1 topic, $2 location, $3 type, $4 from and $5 to
-- (Unix ms), $6 to $8 partition, location and offset of the last one of the page before, $9 limit; null: not asked for.
-- Plan: transactions_parked, from the place on.
select coalesce(json_agg(signalbox.list_item(t) order by t.partition, t.location, t."offset"), '[]') as answer
from (
  select *
  from signalbox.transactions t
  where t.topic = $1 and t.state = 'received'
    and ($6::integer is null or (t.partition, t.location, t."offset") > ($6, $7::text, $8::bigint))
    and ($2::text is null or t.location = $2)
    and ($3::text is null or t.type = $3)
    and ($4::bigint is null or t.changed_at >= to_timestamp($4 / 1000.0))
    and ($5::bigint is null or t.changed_at <= to_timestamp($5 / 1000.0))
  order by t.partition, t.location, t."offset"
  limit $9) t
