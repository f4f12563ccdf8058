-- The ledger commit: one call of signalbox.commit in autocommit (design, section 6; src/engine/ports-ledger.ts
-- says what each entry means and how it is answered).
--
-- M1 The rows of the partitions are locked first, in order, and their epochs compared; nothing of a fenced
--    partition is written.
-- M2 Each statement sees what the ones before it wrote: READ COMMITTED, volatile functions, separate statements.
-- M3 Every lookup is a nested loop over a unique or partial index, whatever the statistics say: signalbox.commit
--    pins the plans with SET, and the functions it calls are planned under the same settings.
-- M4 What usually happens (plain finishes, begins that find their slot free) is one statement for all of them,
--    without preparation for anything else. When it is not so, SB001 or SB003 undoes the commit, and the client
--    sends it again to be done one by one.
--
-- FOR NO KEY UPDATE and not FOR SHARE: the commit writes these rows at its end (number, counters), and two
-- commits that share a lock and then both want to write would be a deadlock.
--
-- Arrays are columns: h_ heads, d_ dead letters, c_ changes, s_ what only slow changes need, b_ begins,
-- p_ plans (a begin names its own by index). A column that is null as a whole has no value in any row.
--
-- SQLSTATEs of its own: SB001 a plain finish does not match its row; SB002 the client counts result numbers
-- differently; SB003 (or 23505) a begin does not find its slot free or its id new.

-- A change that starts an attempt, enters doubt, gives up …: one at a time, with history. "number" is given to the
-- row if it becomes final. Not applied: found_state and found_token say what is there.
create function signalbox.change(
  now_at timestamptz, the_topic text, the_partition integer, the_worker text, the_epoch bigint, the_id text,
  from_state signalbox.state, from_token bigint, the_event text, to_state signalbox.state,
  late_state signalbox.state, to_step integer, late_step integer, new_token boolean, the_evidence text,
  the_reason text, the_code text, the_detail text, the_call text, call_started timestamptz,
  call_answered timestamptz, next_at timestamptz, timeout_ms bigint, next_number bigint,
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
  applied := found and was.state = from_state and was.token = from_token
    and was.topic = the_topic and was.partition = the_partition;
  if applied is not true then
    applied := false;
    found_state := was.state;
    found_token := was.token;
    return;
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
    evidence = coalesce(the_evidence, t.evidence), code = the_code, detail = the_detail,
    reason = case when to_state <> 'completed' then coalesce(the_reason, t.reason) end,
    attempts = case when not attempt then t.attempts when to_step = t.step then t.attempts + 1 else 1 end,
    -- An attempt that ended by an answer, and another step, start the count anew; so does a person.
    takeovers = case when from_state in ('in_doubt', 'reversing') and to_step = t.step then t.takeovers else 0 end,
    changed_at = now_at, next_attempt_at = case when final then null else next_at end,
    finished_at = case when final then now_at end, number = found_number,
    worker = the_worker, epoch = the_epoch
  where t.id = the_id;
  if from_state = 'executing' and was.attempts = 1
    and (the_event = 'done' and to_state in ('executing', 'completed')
      or the_event = 'refused' and to_state = 'rolled_back') then
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

-- Finishes of executing transactions, numbers first..stop of the columns, in one statement. "last" is per head the
-- number of the last result without plain finishes; c_rank counts those.
create function signalbox.finish_plain(
  now_at timestamptz, the_topic text, the_worker text, h_partition integer[], h_epoch bigint[], last bigint[],
  first integer, stop integer, c_head integer[], c_id text[], c_token bigint[], c_refused boolean[],
  c_step integer[], c_rank bigint[], c_evidence text[], c_reason text[], c_started timestamptz[],
  c_answered timestamptz[])
returns void language plpgsql as $$
declare
  executing constant signalbox.state := 'executing';
  row_count bigint;
  retried integer[];
begin
  -- Nested loop over the numbers first..stop and transactions_pkey, by force: two inequalities instead of "="
  -- leave no other path to the table, and a variable as the state keeps the partial indexes out. Otherwise a
  -- plan made for a small table would read an index as a whole for each number.
  with finished as (
    update signalbox.transactions t set
      state = case when c_refused[i] then 'rolled_back'::signalbox.state else 'completed' end,
      step = c_step[i], evidence = coalesce(c_evidence[i], t.evidence), code = null, detail = null,
      reason = case when c_refused[i] then coalesce(c_reason[i], t.reason) end, takeovers = 0,
      changed_at = now_at, finished_at = now_at, next_attempt_at = null, number = last[c_head[i]] + c_rank[i],
      worker = the_worker, epoch = h_epoch[c_head[i]]
    from generate_series(first, stop) i
    where t.id >= c_id[i] and t.id <= c_id[i] and t.state = executing and t.token = c_token[i]
      and t.topic = the_topic and t.partition = h_partition[c_head[i]]
    returning i, t.attempts)
  select count(*), array_agg(f.i) filter (where f.attempts > 1) into row_count, retried from finished f;
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

-- Begins in one statement, for a commit none of whose transactions has expired. The tokens are in entry order.
create function signalbox.begin_together(
  now_at timestamptz, the_topic text, the_worker text, h_partition integer[], h_epoch bigint[], b_head integer[],
  b_offset bigint[], b_id text[], b_location text[], b_slot integer[], b_payload bytea[],
  b_expires_at timestamptz[], b_record_at timestamptz[], b_traceparent text[], b_plan integer[], p_type text[],
  p_plan text[], p_not_after timestamptz[], p_deadline timestamptz[], p_concurrency integer[],
  out tokens bigint[])
language plpgsql as $$
begin
  -- Nested loop over the numbers 1..n, locations_pkey and transactions_high_slot, in entry order. The subqueries
  -- stay subqueries (offset 0, not a join): flattened, a small index would be read as a whole for each number.
  with begun as (
    insert into signalbox.transactions as t (id, topic, partition, "offset", location, slot, state, step, token,
        type, plan, payload, attempts, takeovers, record_at, began_at, changed_at, not_after, deadline,
        expires_at, traceparent, worker, epoch)
      select b_id[i], the_topic, h_partition[b_head[i]], b_offset[i], b_location[i], b_slot[i], 'executing', 0,
        nextval('signalbox.tokens'), p_type[b_plan[i]], p_plan[b_plan[i]], b_payload[i], 1, 0, b_record_at[i],
        now_at, now_at, least(p_not_after[b_plan[i]], p_deadline[b_plan[i]], b_expires_at[i]),
        least(p_deadline[b_plan[i]], b_expires_at[i]), b_expires_at[i], b_traceparent[i], the_worker,
        h_epoch[b_head[i]]
      from generate_series(1, cardinality(b_id)) i
        left join lateral (select l.paused, l.concurrency from signalbox.locations l
          where l.location = b_location[i] offset 0) l on true
      where l.paused is not true
        and b_slot[i] <= coalesce(l.concurrency, p_concurrency[b_plan[i]])
        and (select h.slot from signalbox.transactions h where h.location = b_location[i]
          and h.slot > coalesce(l.concurrency, p_concurrency[b_plan[i]])
          and h.slot > 1 and h.state in ('executing', 'in_doubt', 'reversing', 'held') limit 1) is null
      returning t.token)
  select coalesce(array_agg(b.token), '{}') into tokens from begun b;
  if cardinality(tokens) < cardinality(b_id) then
    raise exception 'a location is paused or a slot above its concurrency' using errcode = 'SB003';
  end if;
end $$;

-- Why a begin was not applied, as JSON: exists (with that row), paused, or busy. "payload" says whether there is
-- room in the answer for a payload; without it an existing row is busy, and asked again.
create function signalbox.why_not(
  entry integer, the_id text, the_location text, payload_room bigint, out answer text, out payload_bytes bigint)
language plpgsql as $$
declare
  other record;
begin
  payload_bytes := 0;
  select t.topic, t.partition, t."offset", t.location, t.state, t.payload into other
    from signalbox.transactions t where t.id = the_id;
  if found then
    payload_bytes := length(other.payload);
    if payload_bytes <= payload_room then
      answer := json_build_object('entry', entry, 'status', 'exists', 'topic', other.topic,
        'partition', other.partition, 'offset', other."offset", 'location', other.location, 'state', other.state,
        'payload', encode(other.payload, 'base64'));
      return;
    end if;
    payload_bytes := 0;
  elsif exists (select from signalbox.locations l where l.location = the_location and l.paused) then
    answer := json_build_object('entry', entry, 'status', 'paused');
    return;
  end if;
  answer := json_build_object('entry', entry, 'status', 'busy');
end $$;

-- One begin, whatever it meets: number is not null if it expired, token if it began, answer if neither.
create function signalbox.begin_one(
  now_at timestamptz, the_topic text, the_partition integer, the_worker text, the_epoch bigint, entry integer,
  the_offset bigint, the_id text, the_location text, the_slot integer, the_payload bytea,
  the_expires_at timestamptz, the_record_at timestamptz, the_traceparent text, the_type text, the_plan text,
  the_not_after timestamptz, the_deadline timestamptz, the_concurrency integer, next_number bigint,
  payload_room bigint, out token bigint, out number bigint, out answer text, out payload_bytes bigint)
language plpgsql as $$
declare
  is_paused boolean;
  slots integer;
  no record;
begin
  payload_bytes := 0;
  if the_expires_at < now_at then
    insert into signalbox.transactions (id, topic, partition, "offset", location, state, step, type, plan, payload,
        reason, attempts, takeovers, record_at, changed_at, finished_at, expires_at, number, traceparent, worker,
        epoch)
      values (the_id, the_topic, the_partition, the_offset, the_location, 'rolled_back', 0, the_type, the_plan,
        the_payload, 'expired', 0, 0, the_record_at, now_at, now_at, the_expires_at, next_number,
        the_traceparent, the_worker, the_epoch)
      on conflict (id) do nothing;
    if found then
      number := next_number;
      return;
    end if;
  else
    select l.paused, l.concurrency into is_paused, slots from signalbox.locations l
      where l.location = the_location;
    slots := coalesce(slots, the_concurrency);
    if is_paused is not true and the_slot <= slots and not exists (
        select from signalbox.transactions h where h.location = the_location and h.slot > slots and h.slot > 1
          and h.state in ('executing', 'in_doubt', 'reversing', 'held')) then
      insert into signalbox.transactions as t (id, topic, partition, "offset", location, slot, state, step, token,
          type, plan, payload, attempts, takeovers, record_at, began_at, changed_at, not_after, deadline,
          expires_at, traceparent, worker, epoch)
        values (the_id, the_topic, the_partition, the_offset, the_location, the_slot, 'executing', 0,
          nextval('signalbox.tokens'), the_type, the_plan, the_payload, 1, 0, the_record_at, now_at, now_at,
          least(the_not_after, the_deadline, the_expires_at), least(the_deadline, the_expires_at),
          the_expires_at, the_traceparent, the_worker, the_epoch)
        on conflict do nothing
        returning t.token into token;
      if found then
        return;
      end if;
    end if;
  end if;
  no := signalbox.why_not(entry, the_id, the_location, payload_room);
  answer := no.answer;
  payload_bytes := no.payload_bytes;
end $$;

create function signalbox.commit(
  the_topic text, the_topic_id text, the_worker text,
  h_partition integer[], h_epoch bigint[], h_watermark bigint[], h_published bigint[], h_duplicates bigint[],
  h_last bigint[], h_finished bigint[], h_refused bigint[], above_mark bigint,
  d_head integer[], d_offset bigint[], d_key bytea[], d_value bytea[], d_code text[], d_detail text[],
  d_id text[], d_location text[], d_record_at timestamptz[],
  c_head integer[], c_id text[], c_token bigint[], c_refused boolean[], c_step integer[], c_rank bigint[],
  c_evidence text[], c_reason text[], c_started timestamptz[], c_answered timestamptz[], c_slow integer[],
  c_ends integer[],
  s_from text[], s_event text[], s_to text[], s_late_to text[], s_late_step integer[], s_new_token boolean[],
  s_code text[], s_detail text[], s_call text[], s_next_at timestamptz[], s_timeout bigint[],
  b_head integer[], b_offset bigint[], b_id text[], b_location text[], b_slot integer[], b_payload bytea[],
  b_expires_at timestamptz[], b_record_at timestamptz[], b_traceparent text[], b_plan integer[],
  b_together boolean, first_expiry timestamptz,
  p_type text[], p_plan text[], p_timeout bigint[], p_deadline bigint[], p_concurrency integer[],
  out at_ms bigint, out fenced integer[], out tokens bigint[], out slow_answers text, out other_begins text)
language plpgsql
set search_path = pg_catalog
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set jit = off
as $$
declare
  -- An answer carries at most this much payload of existing rows: 2,000 of 256 KiB would be 500 MB.
  payload_room bigint := 8 * 1024 * 1024;
  now_at timestamptz;
  last bigint[] := h_last;         -- per head: number of the last result so far, plain finishes left out
  refused bigint[] := h_refused;   -- per head: rolled back in this commit
  dead bigint[] := array_fill(0::bigint, array[cardinality(h_partition)]);
  not_after timestamptz[];         -- per plan, before expires_at
  deadline timestamptz[];
  slow text[];
  others text[];
  head integer;
  plan integer;
  first integer := 1;
  stop integer;
  ledger record;
  changed record;
  begun record;
begin
  -- Heads: lock and compare. The client gives them in order of partition.
  for i in 1 .. cardinality(h_partition) loop
    select p.epoch, p.last_number into ledger from signalbox.partitions p
      where p.topic = the_topic and p.partition = h_partition[i] for no key update;
    if ledger.epoch is distinct from h_epoch[i] then
      fenced := array_append(fenced, h_partition[i]);
    elsif ledger.last_number is distinct from h_last[i] then
      raise exception 'partition % of % has result number %, not %', h_partition[i], the_topic,
        ledger.last_number, h_last[i] using errcode = 'SB002';
    end if;
  end loop;
  -- After the locks: a commit that waited for another is not earlier than it.
  now_at := date_trunc('milliseconds', clock_timestamp());
  at_ms := round(extract(epoch from now_at) * 1000);
  if fenced is not null then
    return; -- nothing is written: the client leaves the fenced partitions out and calls again
  end if;
  if above_mark is not null then
    perform signalbox.raise_tokens(above_mark);
  end if;

  -- Dead letters.
  for i in 1 .. cardinality(d_head) loop
    head := d_head[i];
    insert into signalbox.dead_letters (topic_id, partition, "offset", topic, key, value, code, detail, id,
        location, record_at, at, worker, epoch)
      values (the_topic_id, h_partition[head], d_offset[i], the_topic, d_key[i], d_value[i], d_code[i],
        d_detail[i], d_id[i], d_location[i], d_record_at[i], now_at, the_worker, h_epoch[head])
      on conflict do nothing;
    if found then
      dead[head] := dead[head] + 1;
    end if;
  end loop;

  -- Changes, in order: runs of plain finishes, and slow ones.
  foreach stop in array c_ends loop
    if c_slow[first] = 0 then
      perform signalbox.finish_plain(now_at, the_topic, the_worker, h_partition, h_epoch, last, first, stop,
        c_head, c_id, c_token, c_refused, c_step, c_rank, c_evidence, c_reason, c_started, c_answered);
    else
      for i in first .. stop loop
        head := c_head[i];
        changed := signalbox.change(now_at, the_topic, h_partition[head], the_worker, h_epoch[head], c_id[i],
          s_from[c_slow[i]]::signalbox.state, c_token[i], s_event[c_slow[i]], s_to[c_slow[i]]::signalbox.state,
          s_late_to[c_slow[i]]::signalbox.state, c_step[i], s_late_step[c_slow[i]], s_new_token[c_slow[i]],
          c_evidence[i], c_reason[i], s_code[c_slow[i]], s_detail[c_slow[i]], s_call[c_slow[i]], c_started[i],
          c_answered[i], s_next_at[c_slow[i]], s_timeout[c_slow[i]], last[head] + c_rank[i] + 1);
        slow := array_append(slow, json_build_object('entry', i,
          'status', case when changed.applied then 'done' else 'changed' end, 'state', changed.found_state,
          'step', changed.found_step, 'token', changed.found_token::text,
          'notAfterMs', round(extract(epoch from changed.found_not_after) * 1000),
          'number', changed.found_number)::text);
        if changed.found_number is not null then
          last[head] := last[head] + 1;
          if changed.found_state = 'rolled_back' then
            refused[head] := refused[head] + 1;
          end if;
        end if;
      end loop;
    end if;
    first := stop + 1;
  end loop;
  for i in 1 .. cardinality(h_partition) loop
    last[i] := last[i] + h_finished[i];
  end loop;

  -- Begins, in order.
  select array_agg(now_at + p_timeout[k] * interval '1 millisecond' order by k),
      array_agg(now_at + p_deadline[k] * interval '1 millisecond' order by k)
    into not_after, deadline from generate_series(1, cardinality(p_type)) k;
  if b_together and (first_expiry is null or now_at <= first_expiry) then
    tokens := signalbox.begin_together(now_at, the_topic, the_worker, h_partition, h_epoch, b_head, b_offset, b_id,
      b_location, b_slot, b_payload, b_expires_at, b_record_at, b_traceparent, b_plan, p_type, p_plan, not_after,
      deadline, p_concurrency);
  else
    for i in 1 .. cardinality(b_id) loop
      head := b_head[i];
      plan := b_plan[i];
      begun := signalbox.begin_one(now_at, the_topic, h_partition[head], the_worker, h_epoch[head], i, b_offset[i],
        b_id[i], b_location[i], b_slot[i], b_payload[i], b_expires_at[i], b_record_at[i], b_traceparent[i],
        p_type[plan], p_plan[plan], not_after[plan], deadline[plan], p_concurrency[plan], last[head] + 1,
        payload_room);
      if begun.token is not null then
        tokens := array_append(tokens, begun.token);
      elsif begun.number is not null then
        last[head] := begun.number;
        refused[head] := refused[head] + 1;
        others := array_append(others,
          json_build_object('entry', i, 'status', 'expired', 'number', begun.number)::text);
      else
        others := array_append(others, begun.answer);
        payload_room := payload_room - begun.payload_bytes;
      end if;
    end loop;
  end if;

  -- Heads: write. Counters move exactly in the commit that causes them.
  for i in 1 .. cardinality(h_partition) loop
    if h_watermark[i] is not null or h_published[i] is not null or h_duplicates[i] > 0 or last[i] > h_last[i]
        or dead[i] > 0 then
      update signalbox.partitions p set
        watermark = greatest(p.watermark, h_watermark[i]), published = greatest(p.published, h_published[i]),
        last_number = last[i], rolled_back = p.rolled_back + refused[i],
        dead_letters = p.dead_letters + dead[i], duplicates = p.duplicates + h_duplicates[i]
      where p.topic = the_topic and p.partition = h_partition[i];
    end if;
  end loop;
  if slow is not null then
    slow_answers := '[' || array_to_string(slow, ',') || ']';
  end if;
  if others is not null then
    other_begins := '[' || array_to_string(others, ',') || ']';
  end if;
end $$;

-- After a lost answer: raise the epochs, each conditional on the one given. Waits for the lost commit or shuts it
-- out. One by one in the order given, which is that of the commits' locks.
create function signalbox.raise_epochs(the_topic text, the_partitions integer[], the_epochs bigint[])
returns table (partition integer, epoch bigint, watermark bigint, published bigint, last_number bigint)
language plpgsql as $$
begin
  for i in 1 .. cardinality(the_partitions) loop
    return query
      update signalbox.partitions p set epoch = p.epoch + 1
        where p.topic = the_topic and p.partition = the_partitions[i] and p.epoch = the_epochs[i]
        returning p.partition, p.epoch, p.watermark, p.published, p.last_number;
  end loop;
end $$;
