-- How many commits have written in partitions. $1 topic, $2 partitions. Plan: partitions_pkey.
select p.partition, p.commits from signalbox.partitions p where p.topic = $1 and p.partition = any($2)
