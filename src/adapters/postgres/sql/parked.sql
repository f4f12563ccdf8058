-- A page of the rows that wait for a location. Plan: transactions_parked, in its order.
-- $1 topic, $2 partition, $3 location, $4 after this offset, $5 limit.
select t.id, t."offset", t.type, t.plan, t.payload, t.traceparent,
    round(extract(epoch from t.expires_at) * 1000) as expires_at_ms,
    round(extract(epoch from t.record_at) * 1000) as record_time_ms
  from signalbox.transactions t
  where t.topic = $1 and t.partition = $2 and t.location = $3 and t."offset" > $4 and t.state = 'received'
  order by t."offset"
  limit $5
