-- The ledger commit: one call of signalbox.commit in autocommit (design, section 6; src/engine/ports-ledger.ts
-- says what each entry means and how it is answered).
--
-- M1 The rows of the partitions are locked first, in order, and their epochs compared; nothing of a fenced
--    partition is written.
-- M2 Each statement sees what the ones before it wrote: READ COMMITTED, volatile functions, separate statements.
-- M3 Every lookup is a nested loop over a unique or partial index, whatever the statistics say: signalbox.commit
--    pins the plans with SET, and the functions it calls are planned under the same settings.
-- M4 What usually happens (plain changes, begins that find their slot free) is one statement for all of them,
--    without preparation for anything else. When it is not so, SB001 or SB003 undoes the commit, and the client
--    sends it again: changes one by one, begins prepared for conflicts. Parks and begins of parked rows cost
--    nothing where there are none.
--
-- FOR NO KEY UPDATE and not FOR SHARE: the commit writes these rows at its end (number, counters), and two
-- commits that share a lock and then both want to write would be a deadlock.
--
-- Arrays are columns: h_ heads, d_ dead letters, c_ changes, s_ what only slow changes need, b_ begins, k_ parks,
-- r_ begins of parked rows, p_ plans (a begin or park names its own by index). A column that is null as a whole has
-- no value in any row; k_id and r_id are null when there are none.
--
-- SQLSTATEs of its own: SB001 a plain change does not match its row; SB002 the client counts result numbers
-- differently; SB003 (or 23505) a begin does not find its slot free or its id new.

create function signalbox.commit(
  the_topic text, the_topic_id text, the_worker text,
  h_partition integer[], h_epoch bigint[], h_watermark bigint[], h_published bigint[], h_duplicates bigint[],
  h_last bigint[], h_commits bigint[], h_finished bigint[], h_refused bigint[], above_mark bigint,
  d_head integer[], d_offset bigint[], d_key bytea[], d_value bytea[], d_headers text[], d_code text[], d_detail text[],
  d_id text[], d_location text[], d_record_at timestamptz[],
  c_head integer[], c_id text[], c_token bigint[], c_refused boolean[], c_step integer[], c_rank bigint[],
  c_evidence text[], c_reason text[], c_started timestamptz[], c_answered timestamptz[], c_timeout bigint[],
  c_slow integer[], c_ends integer[],
  s_from text[], s_event text[], s_to text[], s_late_to text[], s_late_step integer[], s_new_token boolean[],
  s_code text[], s_detail text[], s_call text[], s_next_at timestamptz[], s_deadline bigint[],
  s_by_person boolean[], s_command bigint[],
  k_head integer[], k_offset bigint[], k_id text[], k_location text[], k_payload bytea[],
  k_expires_at timestamptz[], k_record_at timestamptz[], k_traceparent text[], k_plan integer[],
  b_head integer[], b_offset bigint[], b_id text[], b_location text[], b_slot integer[], b_payload bytea[],
  b_expires_at timestamptz[], b_record_at timestamptz[], b_traceparent text[], b_plan integer[],
  r_head integer[], r_id text[], r_slot integer[], r_plan integer[],
  b_together boolean, first_expiry timestamptz,
  p_type text[], p_plan text[], p_timeout bigint[], p_deadline bigint[], p_concurrency integer[],
  out at_ms bigint, out fenced integer[], out tokens bigint[], out slow_answers text, out other_begins text,
  out parks text, out parked_begins text)
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
  now_at timestamptz;
  last bigint[] := h_last;         -- per head: number of the last result so far, plain finishes left out
  refused bigint[] := h_refused;   -- per head: rolled back in this commit
  dead bigint[] := array_fill(0::bigint, array[cardinality(h_partition)]);
  not_after timestamptz[];         -- per plan, before expires_at
  deadline timestamptz[];
  slow text[];
  others text[];
  known text[];
  resumed text[];
  head integer;
  first integer := 1;
  stop integer;
  ledger record;
  changed record;
  begun record;
begin
  -- Heads: lock and compare. The client gives them in order of partition.
  for i in 1 .. cardinality(h_partition) loop
    select p.epoch, p.last_number, p.commits into ledger from signalbox.partitions p
      where p.topic = the_topic and p.partition = h_partition[i] for no key update;
    -- Fewer commits than the client has had answers for: the ledger has lost history. More: the client is from before
    -- that, and the epoch has come to its number once more.
    if ledger.epoch is distinct from h_epoch[i] or ledger.commits <> h_commits[i] then
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
    insert into signalbox.dead_letters (topic_id, partition, "offset", topic, key, value, headers, code, detail, id,
        location, record_at, at, worker, epoch)
      values (the_topic_id, h_partition[head], d_offset[i], the_topic, d_key[i], d_value[i], d_headers[i], d_code[i],
        d_detail[i], d_id[i], d_location[i], d_record_at[i], now_at, the_worker, h_epoch[head])
      on conflict do nothing;
    if found then
      dead[head] := dead[head] + 1;
    end if;
  end loop;

  -- Changes, in order: runs of plain ones, and slow ones.
  foreach stop in array c_ends loop
    if c_slow[first] = 0 then
      slow := slow || signalbox.change_plain(now_at, the_topic, the_worker, h_partition, h_epoch, last, first,
        stop, c_head, c_id, c_token, c_refused, c_step, c_rank, c_evidence, c_reason, c_started, c_answered,
        c_timeout);
    else
      for i in first .. stop loop
        head := c_head[i];
        changed := signalbox.change_one(now_at, the_topic, h_partition[head], the_worker, h_epoch[head], c_id[i],
          s_from[c_slow[i]]::signalbox.state, c_token[i], s_event[c_slow[i]], s_to[c_slow[i]]::signalbox.state,
          s_late_to[c_slow[i]]::signalbox.state, c_step[i], s_late_step[c_slow[i]], s_new_token[c_slow[i]],
          c_evidence[i], c_reason[i], s_code[c_slow[i]], s_detail[c_slow[i]], s_call[c_slow[i]], c_started[i],
          c_answered[i], s_next_at[c_slow[i]], c_timeout[i], s_deadline[c_slow[i]], s_by_person[c_slow[i]],
          s_command[c_slow[i]], last[head] + c_rank[i] + 1);
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

  -- Parks, in order.
  if k_id is not null then
    known := signalbox.park(now_at, the_topic, the_worker, h_partition, h_epoch, k_head, k_offset, k_id, k_location,
      k_payload, k_expires_at, k_record_at, k_traceparent, k_plan, p_type, p_plan);
  end if;

  -- Begins, in order.
  select array_agg(now_at + p_timeout[k] * interval '1 millisecond' order by k),
      array_agg(now_at + p_deadline[k] * interval '1 millisecond' order by k)
    into not_after, deadline from generate_series(1, cardinality(p_type)) k;
  if b_together and (first_expiry is null or now_at <= first_expiry) then
    tokens := signalbox.begin_together(now_at, the_topic, the_worker, h_partition, h_epoch, b_head, b_offset, b_id,
      b_location, b_slot, b_payload, b_expires_at, b_record_at, b_traceparent, b_plan, p_type, p_plan, not_after,
      deadline, p_concurrency);
  else
    begun := signalbox.begin_carefully(now_at, the_topic, the_worker, h_partition, h_epoch, last, refused, b_head,
      b_offset, b_id, b_location, b_slot, b_payload, b_expires_at, b_record_at, b_traceparent, b_plan, p_type,
      p_plan, not_after, deadline, p_concurrency);
    tokens := begun.tokens;
    others := begun.answers;
    last := begun.last;
    refused := begun.refused;
  end if;

  -- Begins of parked rows, in order.
  if r_id is not null then
    begun := signalbox.begin_parked(now_at, the_topic, the_worker, h_partition, h_epoch, last, refused, r_head, r_id,
      r_slot, r_plan, p_plan, not_after, deadline, p_concurrency, b_together);
    resumed := begun.answers;
    last := begun.last;
    refused := begun.refused;
  end if;

  -- Heads: write. Counters move exactly in the commit that causes them.
  for i in 1 .. cardinality(h_partition) loop
    update signalbox.partitions p set
      watermark = greatest(p.watermark, h_watermark[i]), published = greatest(p.published, h_published[i]),
      last_number = last[i], rolled_back = p.rolled_back + refused[i], commits = p.commits + 1,
      dead_letters = p.dead_letters + dead[i], duplicates = p.duplicates + h_duplicates[i]
    where p.topic = the_topic and p.partition = h_partition[i];
  end loop;
  if slow is not null then
    slow_answers := '[' || array_to_string(slow, ',') || ']';
  end if;
  if others is not null then
    other_begins := '[' || array_to_string(others, ',') || ']';
  end if;
  if known is not null then
    parks := '[' || array_to_string(known, ',') || ']';
  end if;
  if resumed is not null then
    parked_begins := '[' || array_to_string(resumed, ',') || ']';
  end if;
end $$;

-- After a lost answer: raise the epochs, each conditional on the one given. Waits for the lost commit or shuts it
-- out. One by one in the order given, which is that of the commits' locks.
create function signalbox.raise_epochs(the_topic text, the_partitions integer[], the_epochs bigint[])
returns table (partition integer, epoch bigint, watermark bigint, published bigint, last_number bigint,
  commits bigint)
language plpgsql as $$
begin
  for i in 1 .. cardinality(the_partitions) loop
    return query
      update signalbox.partitions p set epoch = p.epoch + 1
        where p.topic = the_topic and p.partition = the_partitions[i] and p.epoch = the_epochs[i]
        returning p.partition, p.epoch, p.watermark, p.published, p.last_number, p.commits;
  end loop;
end $$;
