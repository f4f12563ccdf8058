-- Limit and pause of a location or pattern, with its audit. The lock of the audit comes last (0005, A2).
-- $1 location, $2 concurrency (null: as configured), $3 whether it is set, $4 paused (null: left), $5 actor, $6 reason,
-- $7 which shard this server has to be (null: none); no row when it is another.
with changed as (
  insert into signalbox.locations as l (location, concurrency, paused, actor, reason, changed_at)
    select $1, $2::integer, coalesce($4::boolean, false), $5, $6, statement_timestamp()
      where (select s.number from signalbox.shard s) is not distinct from $7::integer
    on conflict (location) do update set
      concurrency = case when $3::boolean then excluded.concurrency else l.concurrency end,
      paused = coalesce($4::boolean, l.paused), actor = excluded.actor, reason = excluded.reason,
      changed_at = excluded.changed_at
    returning l.concurrency, l.paused)
select signalbox.append_audit($5, 'limit', 'location ' || $1, $6,
    'concurrency ' || coalesce(changed.concurrency::text, 'as configured')
      || case when changed.paused then ', paused' else '' end)
  from changed
