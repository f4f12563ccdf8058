-- A decision for the owner of the partition, with its audit. $1 topic, $2 partition, $3 id, $4 location, $5 action,
-- $6 state and $7 token that it was decided on, $8 evidence, $9 reason, $10 actor, $11 how long it waits for the approval
-- of a second person in ms (null: it needs none).
with proposed as (
  insert into signalbox.commands (topic, partition, id, location, action, expected_state, expected_token, evidence,
      reason, actor, needs_approval, expires_at)
    values ($1, $2, $3, $4, $5, $6::signalbox.state, $7::bigint, $8, $9, $10, $11::bigint is not null,
      statement_timestamp() + $11 * interval '1 millisecond')
    returning sequence)
select proposed.sequence, signalbox.append_audit($10, $5 || ' proposed', 'transaction ' || $3, $9,
    'command ' || proposed.sequence || ', on ' || $6 || coalesce(' under token ' || $7, '')
      || case when $11 is null then '' else ', a second person has to approve it' end)
  from proposed
