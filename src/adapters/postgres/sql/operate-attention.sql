-- Transactions that wait for a person, then those in doubt; the oldest first. $1 topic, $2 limit.
-- Plan: transactions_open (topic, partition, state): as many as are open.
select t.id, t.location, t.state, t.changed_at as since, t.code, t.detail, t.attempts
  from signalbox.transactions t
  where t.topic = $1 and t.state in ('held', 'in_doubt', 'reversing')
  order by t.state <> 'held', t.changed_at, t.id
  limit $2
