-- The receiver has not taken the message. $1 id, $2 why, $3 again after this many ms, $4 given up at this age in ms. Plan:
-- alert_messages_id_key.
update signalbox.alert_messages set detail = $2, next_attempt_at = now() + $3::bigint * interval '1 millisecond',
    given_up_at = case when created_at < now() - $4::bigint * interval '1 millisecond' then now() end
  where id = $1 and delivered_at is null
  returning given_up_at is not null as given_up
