-- Take-over, fifth: the rows that hold a slot, from a statement of its own that sees the commit waited for.
-- Plan: transactions_open. $1 topic, $2 partition.
select t.id, t.partition, t."offset", t.location, t.slot, t.state, t.step, t.token, t.type, t.plan, t.payload,
    t.evidence, t.reason, t.code, t.by_person, t.attempts, t.takeovers,
    round(extract(epoch from t.not_after) * 1000) as not_after_ms,
    round(extract(epoch from t.deadline) * 1000) as deadline_ms,
    round(extract(epoch from coalesce(t.began_at, t.changed_at)) * 1000) as began_at_ms,
    round(extract(epoch from t.finished_at) * 1000) as finished_at_ms,
    t.number, t.traceparent
  from signalbox.transactions t
  where t.topic = $1 and t.partition = $2 and t.state in ('executing', 'in_doubt', 'reversing', 'held')
  order by t."offset"
