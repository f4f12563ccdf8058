-- Transactions that hold a slot, the last changed first. $1 topic, $2 states, $3 location, $4 type, $5 code, $6 from and
-- $7 to (Unix ms), $8 and $9 time (Unix ms) and id of the last one of the page before, $10 limit; null: not asked for.
-- Plan: transactions_open, as many rows as are open, or transactions_holder; transitions_id for the code.
select coalesce(json_agg(signalbox.list_item(t) order by t.changed_at desc, t.id desc), '[]') as answer
from (
  select *
  from signalbox.transactions t
  where t.topic = $1 and t.state = any($2::signalbox.state[])
    and t.state in ('executing', 'in_doubt', 'reversing', 'held')
    and ($3::text is null or t.location = $3)
    and ($4::text is null or t.type = $4)
    and ($5::text is null or t.code = $5
      or exists (select from signalbox.transitions h where h.id = t.id and h.code = $5))
    and ($6::bigint is null or t.changed_at >= to_timestamp($6 / 1000.0))
    and ($7::bigint is null or t.changed_at <= to_timestamp($7 / 1000.0))
    and ($8::bigint is null or (t.changed_at, t.id) < (to_timestamp($8 / 1000.0), $9::text))
  order by t.changed_at desc, t.id desc
  limit $10) t
