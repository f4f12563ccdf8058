-- Take-over, second: raise the epoch. Waits for a commit under way; none of the old epoch passes later. No row:
-- the partition is of another group or topic id. Plan: partitions_pkey.
-- $1 topic, $2 partition, $3 topic id, $4 group, $5 worker.
update signalbox.partitions
  set epoch = epoch + 1, worker = $5, taken_over_at = date_trunc('milliseconds', clock_timestamp())
  where topic = $1 and partition = $2 and topic_id = $3 and "group" = $4
  returning epoch, watermark, published, last_number, commits
