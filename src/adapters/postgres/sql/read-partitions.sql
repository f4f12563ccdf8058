-- The partitions of a topic that the ledger knows. $1 topic.
-- Plan: primary key of partitions.
select json_build_object('count', count(*), 'highest', max(p.partition)) as answer
from signalbox.partitions p
where p.topic = $1
