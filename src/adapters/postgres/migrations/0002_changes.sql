-- Changes of a ledger commit. Rules (M1 to M4) and names of the columns: 0004_commit.sql.

-- A change of any kind, alone, with its history. "number" is given to the row if it becomes final. Not applied:
-- found_state and found_token say what is there. A command that it carries out is marked with what was found.
create function signalbox.change_one(
  now_at timestamptz, the_topic text, the_partition integer, the_worker text, the_epoch bigint, the_id text,
  from_state signalbox.state, from_token bigint, the_event text, to_state signalbox.state,
  late_state signalbox.state, to_step integer, late_step integer, new_token boolean, the_evidence text,
  the_reason text, the_code text, the_detail text, the_call text, call_started timestamptz,
  call_answered timestamptz, next_at timestamptz, timeout_ms bigint, deadline_ms bigint, by_a_person boolean,
  the_command bigint, next_number bigint,
  out applied boolean, out found_state signalbox.state, out found_step integer, out found_token bigint,
  out found_not_after timestamptz, out found_number bigint)
language plpgsql as $$
declare
  was record;
  final boolean;
  attempt boolean;
begin
  select t.state, t.step, t.token, t.attempts, t.takeovers, t.not_after, t.deadline, t.topic, t.partition
    into was from signalbox.transactions t where t.id = the_id;
  applied := found and was.state = from_state and was.token is not distinct from from_token
    and was.topic = the_topic and was.partition = the_partition;
  if the_command is not null then
    perform signalbox.mark_command(the_command, applied is true, was.state::text, was.token, the_worker, the_epoch);
  end if;
  if applied is not true then
    applied := false;
    found_state := was.state;
    found_token := was.token;
    return;
  end if;
  if deadline_ms is not null then
    was.deadline := now_at + deadline_ms * interval '1 millisecond';
  end if;
  if late_state is not null and now_at > was.deadline then
    to_state := late_state;
    to_step := late_step;
  end if;
  final := to_state in ('completed', 'rolled_back');
  attempt := to_state = 'executing';
  found_state := to_state;
  found_step := to_step;
  found_token := case when new_token then nextval('signalbox.tokens') else was.token end;
  found_not_after := case when attempt
    then least(now_at + timeout_ms * interval '1 millisecond', was.deadline) else was.not_after end;
  found_number := case when final then next_number end;
  update signalbox.transactions t set
    state = to_state, step = to_step, token = found_token, not_after = found_not_after,
    deadline = was.deadline, by_person = coalesce(by_a_person, t.by_person),
    evidence = coalesce(the_evidence, t.evidence), code = the_code, detail = the_detail,
    reason = case when to_state <> 'completed' then coalesce(the_reason, t.reason) end,
    attempts = case when not attempt then t.attempts when to_step = t.step then t.attempts + 1 else 1 end,
    -- An attempt that ended by an answer, and another step, start the count anew; so does a person.
    takeovers = case when from_state in ('in_doubt', 'reversing') and to_step = t.step then t.takeovers else 0 end,
    changed_at = now_at, next_attempt_at = case when final then null else next_at end,
    finished_at = case when final then now_at end, number = found_number,
    worker = the_worker, epoch = the_epoch
  where t.id = the_id;
  if from_state = 'executing' and (the_event = 'done' and to_state = 'executing'
      or was.attempts = 1 and the_event = 'done' and to_state = 'completed'
      or was.attempts = 1 and the_event = 'refused' and to_state = 'rolled_back') then
    return; -- plain: the row itself says it all
  end if;
  insert into signalbox.transitions
    (id, at, event, "from", "to", step, token, call, started_at, answered_at, code, detail, reason, worker, epoch)
  values (the_id, now_at, the_event, from_state, to_state, was.step, from_token, the_call, call_started,
    call_answered, the_code, the_detail, the_reason, the_worker, the_epoch);
end $$;

-- Tokens from now on are above the mark. ALTER SEQUENCE keeps every nextval out until this transaction ends, so
-- that concurrent raises never move it back, which setval could. The owner's right, hence security definer.
-- Called before the commit draws a token of its own: nobody waits for a lock while holding the same one.
create function signalbox.raise_tokens(above_mark bigint) returns void language plpgsql
security definer set search_path = pg_catalog as $$
begin
  if (select s.last_value from signalbox.tokens s) > above_mark then
    return;
  end if;
  -- The lock is taken by an ALTER that changes nothing; only under it is the last value certain.
  alter sequence signalbox.tokens cache 1;
  if (select s.last_value from signalbox.tokens s) <= above_mark then
    execute format('alter sequence signalbox.tokens restart with %s', above_mark + 1);
  end if;
end $$;

-- Plain changes, numbers first..stop of the columns, in one statement: the step was done and the next one is
-- executed (c_timeout is not null), or the transaction ends. "last" is per head the number of the last result
-- without plain finishes; c_rank counts those. Answers, as JSON, only those that go on.
create function signalbox.change_plain(
  now_at timestamptz, the_topic text, the_worker text, h_partition integer[], h_epoch bigint[], last bigint[],
  first integer, stop integer, c_head integer[], c_id text[], c_token bigint[], c_refused boolean[],
  c_step integer[], c_rank bigint[], c_evidence text[], c_reason text[], c_started timestamptz[],
  c_answered timestamptz[], c_timeout bigint[], out answers text[])
language plpgsql as $$
declare
  executing constant signalbox.state := 'executing';
  row_count bigint;
  retried integer[];
begin
  -- Nested loop over the numbers first..stop and transactions_pkey, by force: two inequalities instead of "="
  -- leave no other path to the table, and a variable as the state keeps the partial indexes out. Otherwise a
  -- plan made for a small table would read an index as a whole for each number.
  with changed as (
    update signalbox.transactions t set
      state = case when c_timeout[i] is not null then executing
        when c_refused[i] then 'rolled_back' else 'completed' end,
      step = c_step[i], evidence = coalesce(c_evidence[i], t.evidence), code = null, detail = null,
      reason = case when c_refused[i] or c_timeout[i] is not null then coalesce(c_reason[i], t.reason) end,
      token = case when c_timeout[i] is not null then nextval('signalbox.tokens') else t.token end,
      not_after = case when c_timeout[i] is not null
        then least(now_at + c_timeout[i] * interval '1 millisecond', t.deadline) else t.not_after end,
      attempts = case when c_timeout[i] is null then t.attempts when c_step[i] = t.step then t.attempts + 1 else 1 end,
      takeovers = 0, changed_at = now_at, next_attempt_at = null,
      finished_at = case when c_timeout[i] is null then now_at end,
      number = case when c_timeout[i] is null then last[c_head[i]] + c_rank[i] end,
      worker = the_worker, epoch = h_epoch[c_head[i]]
    from generate_series(first, stop) i
    where t.id >= c_id[i] and t.id <= c_id[i] and t.state = executing and t.token = c_token[i]
      and t.topic = the_topic and t.partition = h_partition[c_head[i]]
    returning i, t.attempts, t.token, t.not_after)
  select count(*), array_agg(d.i) filter (where d.attempts > 1 and c_timeout[d.i] is null),
      array_agg(json_build_object('entry', d.i, 'status', 'done', 'state', executing, 'step', c_step[d.i],
        'token', d.token::text, 'notAfterMs', round(extract(epoch from d.not_after) * 1000),
        'number', null)::text) filter (where c_timeout[d.i] is not null)
    into row_count, retried, answers from changed d;
  if row_count <> stop - first + 1 then
    raise exception 'a row is not as expected' using errcode = 'SB001';
  end if;
  insert into signalbox.transitions (id, at, event, "from", "to", step, token, call, started_at, answered_at,
      reason, worker, epoch)
    select c_id[i], now_at, case when c_refused[i] then 'refused' else 'done' end, 'executing',
      case when c_refused[i] then 'rolled_back'::signalbox.state else 'completed' end, c_step[i], c_token[i],
      'execute', c_started[i], c_answered[i], c_reason[i], the_worker, h_epoch[c_head[i]]
    from unnest(retried) i;
end $$;
