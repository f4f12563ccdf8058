-- Begins and parks of a ledger commit. Rules (M1 to M4) and names of the columns: 0004_commit.sql.

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

-- Parks: rows that wait for their lane. Answers, as JSON, those whose id is known; all others are new. A known row's
-- payload is left out where it is the entry's own.
create function signalbox.park(
  now_at timestamptz, the_topic text, the_worker text, h_partition integer[], h_epoch bigint[], k_head integer[],
  k_offset bigint[], k_id text[], k_location text[], k_payload bytea[], k_expires_at timestamptz[],
  k_record_at timestamptz[], k_traceparent text[], k_plan integer[], p_type text[], p_plan text[],
  out answers text[])
language plpgsql as $$
declare
  -- An answer carries at most this much payload of existing rows. Beyond it the commit is rejected: in two halves
  -- it fits.
  payload_room bigint := 8 * 1024 * 1024;
  new_ids text[];
  new_offsets bigint[];
  new_partitions integer[];
  taken integer := 1; -- next of the new rows that no entry has claimed
  mine record;
begin
  with parked as (
    insert into signalbox.transactions as t (id, topic, partition, "offset", location, state, step, type, plan,
        payload, attempts, takeovers, record_at, parked_at, changed_at, expires_at, traceparent, worker, epoch)
      select k_id[i], the_topic, h_partition[k_head[i]], k_offset[i], k_location[i], 'received', 0,
        p_type[k_plan[i]], p_plan[k_plan[i]], k_payload[i], 0, 0, k_record_at[i], now_at, now_at, k_expires_at[i],
        k_traceparent[i], the_worker, h_epoch[k_head[i]]
      from generate_series(1, cardinality(k_id)) i
      on conflict (id) do nothing
      returning t.id, t."offset", t.partition)
  select coalesce(array_agg(p.id), '{}'), array_agg(p."offset"), array_agg(p.partition)
    into new_ids, new_offsets, new_partitions from parked p;
  if cardinality(new_ids) = cardinality(k_id) then
    return;
  end if;
  for i in 1 .. cardinality(k_id) loop
    if k_id[i] = new_ids[taken] and k_offset[i] = new_offsets[taken]
        and h_partition[k_head[i]] = new_partitions[taken] then
      taken := taken + 1; -- new rows are in entry order, so this row is this entry's
      continue;
    end if;
    select t.topic, t.partition, t."offset", t.location, t.state,
        case when t.payload <> k_payload[i] then t.payload end as payload
      into mine from signalbox.transactions t where t.id = k_id[i];
    if not found then
      raise exception 'transaction % was deleted just now', k_id[i] using errcode = 'serialization_failure';
    end if;
    payload_room := payload_room - coalesce(length(mine.payload), 0);
    if payload_room < 0 then
      raise exception 'the known rows are too large for one answer' using errcode = 'data_exception';
    end if;
    answers := array_append(answers, json_build_object('entry', i, 'topic', mine.topic, 'partition', mine.partition,
      'offset', mine."offset", 'location', mine.location, 'state', mine.state,
      'payload', encode(mine.payload, 'base64'))::text);
  end loop;
end $$;

-- Begins of parked rows, one by one: they come after a wait, and each finds what the ones before it did. Answers, as
-- JSON, every one. "last" and "refused" are per head, and grow by the expired ones. With "together" a slot that
-- another partition takes at this very moment undoes the commit (23505); without, it is busy.
create function signalbox.begin_parked(
  now_at timestamptz, the_topic text, the_worker text, h_partition integer[], h_epoch bigint[],
  inout last bigint[], inout refused bigint[], r_head integer[], r_id text[], r_slot integer[], r_plan integer[],
  p_plan text[], p_not_after timestamptz[], p_deadline timestamptz[], p_concurrency integer[], together boolean,
  out answers text[])
language plpgsql as $$
declare
  was record;
  head integer;
  nth integer; -- of the plans
  status text;
  drawn bigint;
  not_after timestamptz;
begin
  for i in 1 .. cardinality(r_id) loop
    head := r_head[i];
    nth := r_plan[i];
    -- Subqueries as in begin_together: each is one step into its index.
    select t.state, t.token, t.topic, t.partition, t.expires_at, l.paused,
        coalesce(l.concurrency, p_concurrency[nth]) as concurrency,
        (select h.slot from signalbox.transactions h where h.location = t.location
          and h.slot > coalesce(l.concurrency, p_concurrency[nth])
          and h.slot > 1 and h.state in ('executing', 'in_doubt', 'reversing', 'held') limit 1) as high_slot,
        (select h.slot from signalbox.transactions h where h.location = t.location and h.slot = r_slot[i]
          and h.state in ('executing', 'in_doubt', 'reversing', 'held') limit 1) as taken_slot
      into was
      from signalbox.transactions t
        left join lateral (select s.paused, s.concurrency from signalbox.locations s
          where s.location = t.location offset 0) l on true
      where t.id = r_id[i];
    status := case
      when not found or was.state <> 'received' or was.topic <> the_topic or was.partition <> h_partition[head]
        then 'changed'
      when was.expires_at < now_at then 'expired'
      when was.paused then 'paused'
      when r_slot[i] > was.concurrency or was.high_slot is not null or was.taken_slot is not null then 'busy'
      else 'done' end;
    drawn := was.token;
    not_after := null;
    if status = 'expired' then
      last[head] := last[head] + 1;
      refused[head] := refused[head] + 1;
      update signalbox.transactions t set state = 'rolled_back', reason = 'expired', changed_at = now_at,
          finished_at = now_at, number = last[head], worker = the_worker, epoch = h_epoch[head]
        where t.id = r_id[i];
    elsif status = 'done' then
      not_after := least(p_not_after[nth], p_deadline[nth], was.expires_at);
      drawn := nextval('signalbox.tokens');
      if together then
        perform signalbox.begin_row(now_at, r_id[i], r_slot[i], drawn, p_plan[nth], not_after,
          least(p_deadline[nth], was.expires_at), the_worker, h_epoch[head]);
      else
        begin
          perform signalbox.begin_row(now_at, r_id[i], r_slot[i], drawn, p_plan[nth], not_after,
            least(p_deadline[nth], was.expires_at), the_worker, h_epoch[head]);
        exception when unique_violation then
          status := 'busy';
        end;
      end if;
    end if;
    answers := array_append(answers, json_build_object('status', status, 'state', was.state, 'token', drawn::text,
      'notAfterMs', round(extract(epoch from not_after) * 1000), 'number', last[head])::text);
  end loop;
end $$;

create function signalbox.begin_row(
  now_at timestamptz, the_id text, the_slot integer, the_token bigint, the_plan text, the_not_after timestamptz,
  the_deadline timestamptz, the_worker text, the_epoch bigint) returns void
language plpgsql as $$
begin
  update signalbox.transactions t set state = 'executing', slot = the_slot, token = the_token, step = 0,
      plan = the_plan, attempts = 1, began_at = now_at, changed_at = now_at, not_after = the_not_after,
      deadline = the_deadline, worker = the_worker, epoch = the_epoch
    where t.id = the_id;
end $$;
