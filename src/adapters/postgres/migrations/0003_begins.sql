-- Begins of a ledger commit. Rules (M1 to M4) and names of the columns: 0004_commit.sql.

-- Begins in one statement: ids are new, slots free, nothing has expired. The tokens are in entry order.
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

-- Begins of which some may be known, busy, paused or expired. Answers, as JSON, those that did not begin; the
-- tokens are those of the others, in entry order. "last" and "refused" are per head, and grow by the expired ones.
create function signalbox.begin_carefully(
  now_at timestamptz, the_topic text, the_worker text, h_partition integer[], h_epoch bigint[],
  inout last bigint[], inout refused bigint[], b_head integer[],
  b_offset bigint[], b_id text[], b_location text[], b_slot integer[], b_payload bytea[],
  b_expires_at timestamptz[], b_record_at timestamptz[], b_traceparent text[], b_plan integer[], p_type text[],
  p_plan text[], p_not_after timestamptz[], p_deadline timestamptz[], p_concurrency integer[],
  out tokens bigint[], out answers text[])
language plpgsql as $$
declare
  -- An answer carries at most this much payload of existing rows (2,000 of 256 KiB would be 500 MB); those
  -- beyond it are busy, and asked again.
  payload_room bigint := 8 * 1024 * 1024;
  expired_ids text[];
  taken integer := 1; -- next of "tokens" that no entry has claimed
  head integer;
  mine record;
begin
  -- An entry behind an expired one of the same id finds that one's row, so it must not begin before it.
  select array_agg(b_id[i]) into expired_ids
    from generate_series(1, cardinality(b_id)) i where b_expires_at[i] < now_at;
  -- The statement of begin_together, for what has not expired, and whatever conflicts is left out.
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
      where (b_expires_at[i] < now_at) is not true
        and (expired_ids is null or b_id[i] <> all (expired_ids) or not exists (
          select from generate_series(1, i - 1) j where b_id[j] = b_id[i] and b_expires_at[j] < now_at))
        and l.paused is not true
        and b_slot[i] <= coalesce(l.concurrency, p_concurrency[b_plan[i]])
        and (select h.slot from signalbox.transactions h where h.location = b_location[i]
          and h.slot > coalesce(l.concurrency, p_concurrency[b_plan[i]])
          and h.slot > 1 and h.state in ('executing', 'in_doubt', 'reversing', 'held') limit 1) is null
      on conflict do nothing
      returning t.token)
  select coalesce(array_agg(b.token), '{}') into tokens from begun b;

  for i in 1 .. cardinality(b_id) loop
    select t.topic, t.partition, t."offset", t.location, t.slot, t.state, t.token, t.payload into mine
      from signalbox.transactions t where t.id = b_id[i];
    head := b_head[i];
    if mine.token = tokens[taken] and mine.partition = h_partition[head] and mine."offset" = b_offset[i]
        and mine.location = b_location[i] and mine.slot = b_slot[i] then
      taken := taken + 1; -- tokens are in entry order, so this row is this entry's
      continue;
    end if;
    -- A row that a later entry made was not there when it was this one's turn.
    if mine.state is not null and (mine.token = any (tokens[taken:])) is not true then
      if length(mine.payload) <= payload_room then
        payload_room := payload_room - length(mine.payload);
        answers := array_append(answers, json_build_object('entry', i, 'status', 'exists', 'topic', mine.topic,
          'partition', mine.partition, 'offset', mine."offset", 'location', mine.location, 'state', mine.state,
          'payload', encode(mine.payload, 'base64'))::text);
        continue;
      end if;
    elsif b_expires_at[i] < now_at then
      insert into signalbox.transactions (id, topic, partition, "offset", location, state, step, type, plan,
          payload, reason, attempts, takeovers, record_at, changed_at, finished_at, expires_at, number,
          traceparent, worker, epoch)
        values (b_id[i], the_topic, h_partition[head], b_offset[i], b_location[i], 'rolled_back', 0,
          p_type[b_plan[i]], p_plan[b_plan[i]], b_payload[i], 'expired', 0, 0, b_record_at[i], now_at, now_at,
          b_expires_at[i], last[head] + 1, b_traceparent[i], the_worker, h_epoch[head])
        on conflict (id) do nothing;
      if found then
        last[head] := last[head] + 1;
        refused[head] := refused[head] + 1;
        answers := array_append(answers,
          json_build_object('entry', i, 'status', 'expired', 'number', last[head])::text);
        continue;
      end if;
    elsif exists (select from signalbox.locations l where l.location = b_location[i] and l.paused) then
      answers := array_append(answers, json_build_object('entry', i, 'status', 'paused')::text);
      continue;
    end if;
    answers := array_append(answers, json_build_object('entry', i, 'status', 'busy')::text);
  end loop;
end $$;
