-- The receiver has taken the message. $1 id. Plan: alert_messages_id_key.
update signalbox.alert_messages set delivered_at = now(), detail = null where id = $1 and delivered_at is null
