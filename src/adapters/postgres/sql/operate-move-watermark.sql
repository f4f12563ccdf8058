-- Records below an offset are given up: the partition goes on there when a worker next takes it over. No row: the
-- partition is unknown, or its watermark is not below. $1 topic, $2 partition, $3 offset, $4 actor, $5 reason.
-- Plan: partitions_pkey.
with before as (
  select p.watermark from signalbox.partitions p where p.topic = $1 and p.partition = $2),
moved as (
  update signalbox.partitions p set watermark = $3
    where p.topic = $1 and p.partition = $2 and coalesce(p.watermark, -1) < $3
    returning p.partition)
select signalbox.append_audit($4, 'move watermark', 'partition ' || $1 || '/' || $2, $5,
    'from ' || coalesce(before.watermark::text, 'the beginning') || ' to ' || $3)
  from moved, before
