-- A second person approves a decision, with its audit. No row: it is not there, is decided or expired, needs no approval,
-- has it already, or was proposed by the same person. $1 topic, $2 sequence, $3 actor, $4 reason. Plan: commands_pkey.
with approved as (
  update signalbox.commands c set approved_by = $3
    where c.topic = $1 and c.sequence = $2 and c.applied_at is null and c.needs_approval and c.approved_by is null
      and c.actor <> $3 and c.expires_at > statement_timestamp()
    returning c.sequence, c.id, c.action)
select approved.sequence, signalbox.append_audit($3, approved.action || ' approved', 'transaction ' || approved.id, $4,
    'command ' || approved.sequence)
  from approved
