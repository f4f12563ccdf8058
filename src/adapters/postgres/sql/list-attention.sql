-- Transactions that wait for a person, then those in doubt, then those being reversed; the oldest first. $1 topic, $2
-- limit. Plan: transactions_open: as many as are open; transactions_parked of each of their lanes, index only.
select coalesce(json_agg(json_build_object(
    'item', signalbox.list_item(t.row), 'since', t.since, 'behind', (
      select count(*) from signalbox.transactions p
      where p.topic = $1 and p.partition = (t.row).partition and p.location = (t.row).location
        and p.state = 'received'))
  order by t.rank, t.since), '[]') as answer
from (
  select t as row, coalesce(entered.at, t.changed_at) as since,
    array_position('{held,in_doubt,reversing}'::signalbox.state[], t.state) as rank
  from signalbox.transactions t
  left join lateral (
    select h.at
    from signalbox.transitions h
    where h.id = t.id and h."from" <> h."to"
    order by h.sequence desc
    limit 1) entered on true
  where t.topic = $1 and t.state in ('held', 'in_doubt', 'reversing')
  order by rank, since
  limit $2) t
