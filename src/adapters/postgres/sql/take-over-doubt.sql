-- Take-over, fourth: what was executing is in doubt under a new token; its third take-over makes it held.
-- Plan: transactions_open. $1 topic, $2 partition, $3 worker, $4 epoch, $5 take-overs at which a row is held.
update signalbox.transactions t
  set state = case when t.takeovers + 1 >= $5::integer then 'held' else 'in_doubt' end::signalbox.state,
    code = case when t.takeovers + 1 >= $5::integer then 'SB-4201' else 'SB-4106' end,
    token = nextval('signalbox.tokens'), takeovers = t.takeovers + 1, detail = null, next_attempt_at = null,
    changed_at = date_trunc('milliseconds', now()), worker = $3, epoch = $4
  where t.topic = $1 and t.partition = $2 and t.state = 'executing'
