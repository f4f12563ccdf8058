-- What is new is opened, what is over is resolved, and each receiver has a message of both. $1 topic, $2 turn (another
-- one by now: nothing), $3 alerts, $4 kinds that were looked at as a whole, $5 receivers. Plan: as many rows as there are
-- alerts; old messages by alert_messages_created.
with turn as (
  select from signalbox.alert_turns where topic = $1 and turn = $2 for update
), given as (
  select g.* from jsonb_to_recordset($3::jsonb) g(kind text, key text, since timestamptz, data jsonb, ripe boolean)
  where exists (select from turn)
), opened as (
  insert into signalbox.alerts (topic, key, kind, since, data)
    select $1, g.key, g.kind, g.since, g.data from given g where g.ripe
    on conflict (topic, key) do nothing
    returning key, kind, since, data
), resolved as (
  delete from signalbox.alerts a
  where a.topic = $1 and a.kind = any($4::text[]) and exists (select from turn)
    and not exists (select from given g where g.key = a.key)
  returning key, kind, since, data
), told as (
  insert into signalbox.alert_messages (topic, webhook, key, body, created_at, next_attempt_at)
    select $1, r.name, e.key, (jsonb_build_object('type', e.type, 'timestamp', clock_timestamp(), 'data',
        jsonb_build_object('alert', e.key, 'kind', e.kind, 'topic', $1, 'since', e.since) || e.data))::text, now(), now()
    from (select 'alert.opened' as type, o.* from opened o union all select 'alert.resolved', o.* from resolved o) e
    join jsonb_to_recordset($5::jsonb) r(name text, kinds jsonb) on r.kinds ? e.kind
    order by e.key, r.name
)
delete from signalbox.alert_messages m where m.created_at < now() - interval '7 days' and exists (select from turn)
