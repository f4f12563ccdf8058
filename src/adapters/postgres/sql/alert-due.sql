-- Takes messages whose time has come; they are this worker's until their next attempt. $1 topic, $2 webhooks, $3 lease in
-- ms, $4 limit. Of one alert and webhook the earlier message comes first. Plan: alert_messages_open: as many as wait.
update signalbox.alert_messages m set attempts = m.attempts + 1,
    next_attempt_at = now() + $3::bigint * interval '1 millisecond'
  where m.sequence in (
    select w.sequence
    from signalbox.alert_messages w
    where w.topic = $1 and w.webhook = any($2::text[]) and w.delivered_at is null and w.given_up_at is null
      and w.next_attempt_at <= now() and not exists (
        select from signalbox.alert_messages e
        where e.topic = w.topic and e.webhook = w.webhook and e.key = w.key and e.sequence < w.sequence
          and e.delivered_at is null and e.given_up_at is null)
    order by w.sequence
    limit $4
    for update skip locked)
  returning m.id, m.webhook, m.body, m.attempts
