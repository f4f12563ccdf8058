-- What this server is; no row: no shard. Plan: one row.
select s.set_id::text as "setId", s.number, s.shards, s.complete from signalbox.shard s
