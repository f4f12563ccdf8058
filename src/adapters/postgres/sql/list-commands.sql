-- Decisions of people, the newest first. $1 topic, $2 transaction (null: any), $3 only those not decided yet, $4 below
-- this sequence (null: the newest), $5 limit. Plan: commands_pkey backwards; people decide seldom.
select coalesce(json_agg(json_build_object(
    'sequence', c.sequence, 'id', c.id, 'location', c.location, 'action', c.action, 'expectedState', c.expected_state,
    'expectedToken', c.expected_token::text, 'reason', c.reason, 'actor', c.actor, 'proposedAt', c.proposed_at,
    'state', coalesce(c.outcome, case
      when c.needs_approval and c.approved_by is null and c.expires_at <= statement_timestamp() then 'expired'
      when c.needs_approval and c.approved_by is null then 'proposed'
      else 'waiting' end),
    'approvedBy', c.approved_by, 'expiresAt', c.expires_at, 'decidedAt', c.applied_at, 'found', c.found,
    'worker', c.worker) order by c.sequence desc), '[]') as answer
from (
  select *
  from signalbox.commands c
  where c.topic = $1 and ($2::text is null or c.id = $2) and (not $3::boolean or c.applied_at is null)
    and ($4::bigint is null or c.sequence < $4)
  order by c.sequence desc
  limit $5) c
