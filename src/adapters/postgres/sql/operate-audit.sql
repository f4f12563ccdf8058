-- Rows of the audit in order: by the column, not by its text. Plan: audit_pkey. $1 after this sequence, $2 limit.
select a.sequence::text as sequence, round(extract(epoch from at) * 1000)::text as at_ms, actor, action, target, reason,
    detail, previous_hash, hash
  from signalbox.audit a
  where a.sequence > $1
  order by a.sequence
  limit $2
