-- Notes how many partitions the topic has, and says what was noted before. On a shard the first note stays: with another
-- number locations would change their shard. Plan: topics_pkey.
-- $1 topic, $2 topic id, $3 partitions.
with noted as (
  insert into signalbox.topics as t (topic, topic_id, partitions) values ($1, $2, $3)
    on conflict (topic) do update set topic_id = excluded.topic_id, partitions = excluded.partitions
    where (t.topic_id <> excluded.topic_id or t.partitions <> excluded.partitions)
      and not exists (select from signalbox.shard))
select t.partitions from signalbox.topics t where t.topic = $1
