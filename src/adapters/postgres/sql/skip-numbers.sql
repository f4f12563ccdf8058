-- Numbers that were given before a restore are not given again. $1 topic, $2 partition, $3 epoch, $4 number.
-- Plan: partitions_pkey.
update signalbox.partitions p
  set skipped = p.skipped + ($4 - p.last_number), last_number = $4, published = $4
  where p.topic = $1 and p.partition = $2 and p.epoch = $3 and p.last_number < $4
