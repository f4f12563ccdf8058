-- Locations and patterns that an operator has set, pauses first. Plan: locations as a whole; a row for each ever touched.
select coalesce(json_agg(json_build_object(
    'location', l.location, 'concurrency', l.concurrency, 'paused', l.paused, 'reason', l.reason, 'actor', l.actor,
    'changedAt', l.changed_at) order by l.paused desc, l.changed_at desc), '[]') as answer
from (
  select * from signalbox.locations l
  where l.paused or l.concurrency is not null
  order by l.paused desc, l.changed_at desc
  limit 1000) l
