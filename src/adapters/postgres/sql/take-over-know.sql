-- Take-over, first: the partition's row, if it is new here. $1 topic, $2 partition, $3 topic id, $4 group.
insert into signalbox.partitions (topic, partition, topic_id, "group")
  values ($1, $2, $3, $4) on conflict do nothing
