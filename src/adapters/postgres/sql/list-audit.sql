-- The audit, the newest first. $1 target and $2 actor (null: any), $3 below this sequence (null: the newest), $4 limit.
-- Plan: audit_pkey or audit_target backwards.
select coalesce(json_agg(json_build_object(
    'sequence', a.sequence, 'at', a.at, 'actor', a.actor, 'action', a.action, 'target', a.target, 'reason', a.reason,
    'detail', a.detail) order by a.sequence desc), '[]') as answer
from (
  select *
  from signalbox.audit a
  where ($1::text is null or a.target = $1) and ($2::text is null or a.actor = $2)
    and ($3::bigint is null or a.sequence < $3)
  order by a.sequence desc
  limit $4) a
