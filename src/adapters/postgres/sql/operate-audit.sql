-- Rows of the audit in order. Plan: audit_pkey. $1 after this sequence, $2 limit.
select sequence::text as sequence, round(extract(epoch from at) * 1000)::text as at_ms, actor, action, target, reason,
    detail, previous_hash, hash
  from signalbox.audit
  where sequence > $1
  order by sequence
  limit $2
