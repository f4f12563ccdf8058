-- What a location did lately, what waits there, what people did to it. $1 topic, $2 location, $3 its partition (null: not
-- known), $4 outcomes and $5 parked rows at most. Plan: transactions_location backwards, transactions_holder,
-- transactions_parked of the one location, audit_target, events_at of the last day.
select json_build_object(
  'now', statement_timestamp(),
  'recent', (
    select coalesce(json_agg(json_build_object('item', signalbox.list_item(t), 'history', signalbox.list_history(t.id))
      order by t.began_at, t.id), '[]')
    from (
      (select * from signalbox.transactions t
        where t.location = $2 and t.number is not null
        order by t.finished_at desc
        limit $4)
      union all
      (select * from signalbox.transactions t
        where t.location = $2 and t.state in ('executing', 'in_doubt', 'reversing', 'held'))) t),
  'queue', (
    select coalesce(json_agg(signalbox.list_item(t) order by t."offset"), '[]')
    from (
      select * from signalbox.transactions t
      where t.topic = $1 and t.partition = $3 and t.location = $2 and t.state = 'received'
      order by t."offset"
      limit $5) t),
  'audit', (
    select coalesce(json_agg(json_build_object('sequence', a.sequence, 'at', a.at, 'actor', a.actor, 'action', a.action,
      'target', a.target, 'reason', a.reason, 'detail', a.detail) order by a.sequence desc), '[]')
    from (
      select * from signalbox.audit a where a.target = 'location ' || $2 order by a.sequence desc limit 20) a),
  'events', (
    select coalesce(json_agg(json_build_object(
      'at', e.at, 'kind', e.kind, 'worker', e.worker, 'version', e.version, 'partition', e.partition, 'epoch', e.epoch,
      'fromWorker', e.from_worker, 'lost', e.lost, 'gapMs', e.gap_ms) order by e.at desc), '[]')
    from (
      select * from signalbox.events e
      where e.topic = $1 and e.kind = 'hand_over' and e.partition = $3
        and e.at > statement_timestamp() - interval '1 day'
      order by e.at desc
      limit 20) e)) as answer
