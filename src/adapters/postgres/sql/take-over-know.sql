-- Take-over, first: the partition's row, if it is new here; answers who had it, for people. $1 topic, $2 partition,
-- $3 topic id, $4 group. Plan: partitions_pkey.
with made as (
  insert into signalbox.partitions (topic, partition, topic_id, "group")
    values ($1, $2, $3, $4) on conflict do nothing)
select worker from signalbox.partitions where topic = $1 and partition = $2
