-- The transaction a person decides about, and whether its partition has an owner that was heard of in the last 10 s.
-- Plan: transactions_pkey. $1 topic, $2 id.
select t.partition, t.location, t.state, t.token::text as token,
    coalesce(w.heartbeat_at >= statement_timestamp() - interval '10 seconds', false) as alive
  from signalbox.transactions t
    left join signalbox.partitions p on p.topic = t.topic and p.partition = t.partition
    left join signalbox.workers w on w.worker = p.worker
  where t.topic = $1 and t.id = $2
