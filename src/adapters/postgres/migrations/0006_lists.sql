-- What the lists of API and page need (sql/list-*.sql).

-- The newest outcomes of a location, and the names of locations in order. The one index that only reading needs:
-- docs/guarantees.md, "What the ledger costs", says what it costs the commit.
create index transactions_location on signalbox.transactions (location, finished_at)
  where number is not null;

-- A row of a list. The payload only where it is small: a list shows an amount, not a document.
create function signalbox.list_item(t signalbox.transactions) returns json language sql stable as $$
  select json_build_object(
    'id', t.id, 'partition', t.partition, 'offset', t."offset", 'location', t.location, 'slot', t.slot,
    'state', t.state, 'type', t.type, 'plan', t.plan, 'step', t.step, 'attempts', t.attempts,
    'token', t.token::text, 'code', t.code, 'detail', t.detail, 'reason', t.reason,
    'payload', case when octet_length(t.payload) <= 8192 then encode(t.payload, 'base64') end,
    'recordAt', t.record_at, 'parkedAt', t.parked_at, 'beganAt', t.began_at, 'changedAt', t.changed_at,
    'finishedAt', t.finished_at, 'deadline', t.deadline, 'nextAttemptAt', t.next_attempt_at)
$$;

-- The history of a transaction, oldest first.
create function signalbox.list_history(the_id text) returns json language sql stable as $$
  select coalesce(json_agg(json_build_object(
      'at', h.at, 'event', h.event, 'from', h."from", 'to', h."to", 'step', h.step, 'call', h.call,
      'token', h.token::text, 'startedAt', h.started_at, 'answeredAt', h.answered_at, 'code', h.code,
      'detail', h.detail, 'worker', h.worker, 'epoch', h.epoch) order by h.sequence), '[]')
  from signalbox.transitions h
  where h.id = the_id
$$;
