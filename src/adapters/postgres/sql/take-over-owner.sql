-- Why a take-over was refused. $1 topic, $2 partition.
select topic_id, "group" from signalbox.partitions where topic = $1 and partition = $2
