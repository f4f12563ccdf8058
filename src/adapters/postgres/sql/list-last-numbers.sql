-- The partitions of a topic with the number of their last result. $1 topic. Plan: partitions_pkey.
select coalesce(json_agg(json_build_object('partition', p.partition, 'lastNumber', p.last_number)
  order by p.partition), '[]') as answer
from signalbox.partitions p
where p.topic = $1
