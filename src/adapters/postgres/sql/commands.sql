-- Decisions of people that wait and need no approval any more, oldest first. Plan: commands_open, which holds those alone.
-- $1 topic, $2 partitions, $3 limit.
select c.sequence, c.partition, c.id, c.location, c.action, c.expected_state, c.expected_token, c.evidence, c.reason,
    c.actor
  from signalbox.commands c
  where c.topic = $1 and c.partition = any($2::integer[]) and c.applied_at is null
    and (not c.needs_approval or c.approved_by is not null)
  order by c.sequence
  limit $3
