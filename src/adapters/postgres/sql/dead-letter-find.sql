-- One dead letter. $1 topic, $2 partition, $3 offset. Of a topic that was made again the newest counts.
-- Plan: dead_letters_place.
select d.topic, d.partition, d."offset", d.key, d.value, d.headers, d.code, d.detail, d.id, d.location, d.at,
    d.record_at, d.state, d.replayed_as, d.resolved_at, d.resolved_by, d.resolved_reason
  from signalbox.dead_letters d
  where d.topic = $1 and d.partition = $2 and d."offset" = $3
  order by d.at desc
  limit 1
