-- Final rows in order of their numbers. Plan: transactions_number. $1 topic, $2 partition, $3 after, $4 limit.
select t.number, t.id, t.location, t.type, t.state, t.reason, t.evidence,
    round(extract(epoch from t.finished_at) * 1000) as finished_at_ms, t.traceparent
  from signalbox.transactions t
  where t.topic = $1 and t.partition = $2 and t.number > $3 and t.number is not null
  order by t.number
  limit $4
