-- For each partition the time of the first outcome whose number is at least the one given; null beyond the last. A search
-- back from a time halves its way to it, without an index on time. $1 topic, $2 partitions, $3 numbers.
-- Plan: transactions_number, one step a partition.
select json_agg(json_build_object('partition', b.partition,
  'atMs', (
    select round(extract(epoch from t.finished_at) * 1000)
    from signalbox.transactions t
    where t.topic = $1 and t.partition = b.partition and t.number is not null and t.number >= b.number
    order by t.number
    limit 1))) as answer
from unnest($2::integer[], $3::bigint[]) b (partition, number)
