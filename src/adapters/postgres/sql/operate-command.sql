-- One decision as it stands. $1 topic, $2 sequence. Plan: commands_pkey.
select c.id, c.location, c.actor, c.needs_approval, c.approved_by, c.applied_at is not null as decided,
    coalesce(c.expires_at <= statement_timestamp(), false) as expired
  from signalbox.commands c
  where c.topic = $1 and c.sequence = $2
