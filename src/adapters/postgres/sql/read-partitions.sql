-- How many partitions a topic has; null while the ledger does not know all of them. A shard holds only its own: there the
-- number noted of the topic counts, which does not change. $1 topic.
-- Plan: primary keys of partitions and topics.
select to_json(coalesce(
    (select t.partitions from signalbox.topics t where t.topic = $1 and exists (select from signalbox.shard)),
    case when max(p.partition) + 1 = count(*) then count(*) end)) as answer
from signalbox.partitions p
where p.topic = $1
