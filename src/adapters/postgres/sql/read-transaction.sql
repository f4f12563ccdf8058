-- One transaction with its history, oldest first. $1 id; no row when there is none.
-- Plan: primary keys of transactions and partitions, dead_letters_replayed, transitions_id (id, sequence) for the
-- history.
select json_build_object(
  'id', t.id, 'topic', t.topic, 'partition', t.partition, 'offset', t."offset", 'location', t.location,
  'slot', t.slot, 'state', t.state, 'type', t.type, 'plan', t.plan, 'step', t.step, 'token', t.token::text,
  'attempts', t.attempts, 'takeovers', t.takeovers, 'code', t.code, 'detail', t.detail, 'reason', t.reason,
  'payload', encode(t.payload, 'base64'), 'evidence', t.evidence,
  'recordAt', t.record_at, 'parkedAt', t.parked_at, 'beganAt', t.began_at, 'changedAt', t.changed_at,
  'finishedAt', t.finished_at, 'notAfter', t.not_after, 'deadline', t.deadline, 'nextAttemptAt', t.next_attempt_at,
  'replayOf', (
    select d.topic || '/' || d.partition || '/' || d."offset" from signalbox.dead_letters d
    where d.replayed_as = t.id
    order by d.at desc
    limit 1),
  'number', t.number, 'published', coalesce(t.number <= p.published, false),
  'history', (
    select coalesce(json_agg(json_build_object(
        'at', h.at, 'event', h.event, 'from', h."from", 'to', h."to", 'step', h.step, 'call', h.call,
        'token', h.token::text, 'startedAt', h.started_at, 'answeredAt', h.answered_at, 'code', h.code,
        'detail', h.detail, 'worker', h.worker, 'epoch', h.epoch) order by h.sequence), '[]')
    from signalbox.transitions h
    where h.id = t.id)
) as answer
from signalbox.transactions t
left join signalbox.partitions p on p.topic = t.topic and p.partition = t.partition
where t.id = $1
