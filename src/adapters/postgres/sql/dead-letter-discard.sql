-- Nothing more is to be done about it: no row when it is not open. $1 topic, $2 partition, $3 offset, $4 actor,
-- $5 reason. Plan: dead_letters_place, dead_letters_pkey.
with resolved as (
  update signalbox.dead_letters d set state = 'discarded', resolved_at = statement_timestamp(), resolved_by = $4,
      resolved_reason = $5
    where (d.topic_id, d.partition, d."offset") = (select s.topic_id, s.partition, s."offset" from signalbox.dead_letters s
      where s.topic = $1 and s.partition = $2 and s."offset" = $3 order by s.at desc limit 1)
      and d.state = 'open'
    returning d.code)
select signalbox.append_audit($4, 'discard', 'dead letter ' || $1 || '/' || $2 || '/' || $3, $5, code)
  from resolved
