-- A replay begins: no row when it may not. $1 topic, $2 partition, $3 offset, $4 id of the transaction it brings,
-- $5 actor, $6 reason. Plan: dead_letters_place, dead_letters_pkey.
with resolved as (
  update signalbox.dead_letters d set state = 'replaying', replayed_as = $4, resolved_at = statement_timestamp(),
      resolved_by = $5, resolved_reason = $6
    where (d.topic_id, d.partition, d."offset") = (select s.topic_id, s.partition, s."offset" from signalbox.dead_letters s
      where s.topic = $1 and s.partition = $2 and s."offset" = $3 order by s.at desc limit 1)
      and (d.state = 'open' or d.state = 'replaying' and d.replayed_as = $4)
    returning d.code)
select signalbox.append_audit($5, 'replay', 'dead letter ' || $1 || '/' || $2 || '/' || $3, $6,
    code || ', as transaction ' || $4)
  from resolved
