-- Take-over, third: history of the rows that the next statement makes in doubt, or held at their third take-over.
-- Plan: transactions_open. $1 topic, $2 partition, $3 worker, $4 epoch, $5 take-overs at which a row is held.
insert into signalbox.transitions (id, at, event, "from", "to", step, token, code, worker, epoch)
  select t.id, date_trunc('milliseconds', now()),
    case when t.takeovers + 1 >= $5::integer then 'give_up' else 'takeover' end, t.state,
    case when t.takeovers + 1 >= $5::integer then 'held' else 'in_doubt' end::signalbox.state, t.step, t.token,
    case when t.takeovers + 1 >= $5::integer then 'SB-4201' else 'SB-4106' end, $3, $4
  from signalbox.transactions t
  where t.topic = $1 and t.partition = $2 and t.state = 'executing'
