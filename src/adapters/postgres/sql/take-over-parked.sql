-- Take-over, last: how many rows wait for each location, from a statement of its own after the raise. Plan: an index
-- only scan of transactions_parked, in its order. $1 topic, $2 partition.
select t.location, count(*) as count
  from signalbox.transactions t
  where t.topic = $1 and t.partition = $2 and t.state = 'received'
  group by t.location
  order by t.location
