-- What operators set for locations and patterns, since $1 (Unix ms; null: ever) less a minute: a change has the time
-- at which its transaction began, and is seen when that has ended. One row, always: the clock, and the limits as
-- JSON. Plan: locations as a whole, a row for each location that an operator ever touched.
select floor(extract(epoch from statement_timestamp()) * 1000)::bigint as at_ms, (
    select coalesce(json_agg(json_build_object(
        'location', l.location, 'concurrency', l.concurrency, 'paused', l.paused) order by l.location), '[]')
    from signalbox.locations l
    where $1::bigint is null
      or l.changed_at >= to_timestamp($1::bigint / 1000.0) - interval '1 minute') as limits
