-- Decisions of people that wait, oldest first. Plan: commands_open, which holds those alone.
-- $1 topic, $2 partitions, $3 limit.
select c.sequence, c.partition, c.id, c.location, c.action, c.expected_state, c.expected_token, c.evidence, c.reason,
    c.actor
  from signalbox.commands c
  where c.topic = $1 and c.partition = any($2::integer[]) and c.applied_at is null
  order by c.sequence
  limit $3
