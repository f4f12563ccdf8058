-- The groups: members with heartbeats, and who owns which partition of a topic.
--
-- Of each partition, `owner` is who works on it now and `wanted` who should. A partition moves by changing
-- `wanted`; its owner then drains it and releases it; only a partition without owner is claimed by the wanted.
--
-- G1 Each function locks the row of the group first: shared where a member changes only what is its own, else
--    exclusively. So there are no deadlocks, and what changes members or `wanted` runs alone.
-- G2 `generation` grows when the set of members changes; the assignment is due while `assigned` differs from it.
-- G3 Owner and wanted are members or null: deleting a member's row frees its partitions (foreign keys).
-- G4 Whether a member is dead is decided by the clock of the database alone, and counts from its start: while it
--    was down nobody could send a heartbeat.

CREATE TABLE signalbox_log.groups (
  topic integer NOT NULL REFERENCES signalbox_log.topics ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  generation bigint NOT NULL DEFAULT 0,
  assigned bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, name)
);

CREATE TABLE signalbox_log.members (
  member uuid PRIMARY KEY,
  topic integer NOT NULL,
  group_name text NOT NULL,
  -- Name of the worker, for people.
  worker text NOT NULL,
  session_ms integer NOT NULL,
  -- Is closing: nothing new is assigned to it.
  leaving boolean NOT NULL DEFAULT false,
  joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (topic, group_name) REFERENCES signalbox_log.groups ON DELETE CASCADE
) WITH (fillfactor = 50);

CREATE TABLE signalbox_log.assignments (
  topic integer NOT NULL,
  group_name text NOT NULL,
  partition integer NOT NULL,
  owner uuid REFERENCES signalbox_log.members ON DELETE SET NULL,
  wanted uuid REFERENCES signalbox_log.members ON DELETE SET NULL,
  -- Everything below is accounted; null: never committed.
  group_offset bigint,
  committed_at timestamptz,
  PRIMARY KEY (topic, group_name, partition),
  FOREIGN KEY (topic, group_name) REFERENCES signalbox_log.groups ON DELETE CASCADE
) WITH (fillfactor = 50);

CREATE FUNCTION signalbox_log.lock_group(p_topic integer, p_group text) RETURNS void LANGUAGE sql AS $$
  SELECT FROM signalbox_log.groups WHERE topic = p_topic AND name = p_group FOR NO KEY UPDATE
$$;

CREATE FUNCTION signalbox_log.share_group(p_topic integer, p_group text) RETURNS void LANGUAGE sql AS $$
  SELECT FROM signalbox_log.groups WHERE topic = p_topic AND name = p_group FOR SHARE
$$;

CREATE FUNCTION signalbox_log.notify_group(p_topic integer, p_group text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_notify('signalbox_log', format('group:%s:%s', p_topic, p_group))
$$;

CREATE FUNCTION signalbox_log.group_changed(p_topic integer, p_group text) RETURNS void LANGUAGE sql AS $$
  UPDATE signalbox_log.groups SET generation = generation + 1 WHERE topic = p_topic AND name = p_group;
  SELECT signalbox_log.notify_group(p_topic, p_group);
$$;

CREATE FUNCTION signalbox_log.is_dead(m signalbox_log.members) RETURNS boolean LANGUAGE sql AS $$
  SELECT greatest(m.heartbeat_at, pg_postmaster_start_time()) + m.session_ms * interval '1 millisecond'
    < clock_timestamp()
$$;

-- Joins, or joins again after a lost answer. `p_replace`: takes the place of members with the same worker name,
-- which a restarted worker leaves behind. False when the topic is gone.
CREATE FUNCTION signalbox_log.join_group(
  p_topic integer, p_group text, p_member uuid, p_worker text, p_session_ms integer, p_replace boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM signalbox_log.topics WHERE number = p_topic FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO signalbox_log.groups (topic, name) VALUES (p_topic, p_group) ON CONFLICT DO NOTHING;
  PERFORM signalbox_log.lock_group(p_topic, p_group);
  INSERT INTO signalbox_log.assignments (topic, group_name, partition)
  SELECT p_topic, p_group, partition FROM signalbox_log.partitions WHERE topic = p_topic
  ON CONFLICT DO NOTHING;
  IF p_replace THEN
    DELETE FROM signalbox_log.members
    WHERE topic = p_topic AND group_name = p_group AND worker = p_worker AND member <> p_member;
  END IF;
  INSERT INTO signalbox_log.members (member, topic, group_name, worker, session_ms)
  VALUES (p_member, p_topic, p_group, p_worker, p_session_ms)
  ON CONFLICT (member) DO UPDATE SET heartbeat_at = clock_timestamp();
  PERFORM signalbox_log.group_changed(p_topic, p_group);
  RETURN true;
END $$;

-- The heartbeat of a member: proves that it is one, claims what waits for it, and answers what it owns.
--   alive        false: the row is gone, the member was expired or replaced; the other columns mean nothing
--   was_silent   its last heartbeat was older than its session time-out, though nobody had removed it
--   others_dead  some other member's session has expired
--   unassigned   the assignment is due
--   partitions   what it owns, with the group's offset of each and whether it is to be handed over
CREATE FUNCTION signalbox_log.heartbeat(p_topic integer, p_group text, p_member uuid, p_claim boolean)
RETURNS TABLE (
  alive boolean, was_silent boolean, others_dead boolean, unassigned boolean,
  partitions integer[], group_offsets bigint[], leaving boolean[]
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM signalbox_log.share_group(p_topic, p_group);
  SELECT signalbox_log.is_dead(m) INTO was_silent FROM signalbox_log.members m WHERE m.member = p_member;
  UPDATE signalbox_log.members SET heartbeat_at = clock_timestamp() WHERE member = p_member;
  alive := FOUND;
  IF alive AND p_claim THEN
    UPDATE signalbox_log.assignments a SET owner = p_member
    WHERE a.topic = p_topic AND a.group_name = p_group AND a.wanted = p_member AND a.owner IS NULL;
  END IF;
  SELECT g.generation <> g.assigned INTO unassigned
  FROM signalbox_log.groups g WHERE g.topic = p_topic AND g.name = p_group;
  others_dead := EXISTS (
    SELECT FROM signalbox_log.members m
    WHERE m.topic = p_topic AND m.group_name = p_group AND m.member <> p_member AND signalbox_log.is_dead(m)
  );
  SELECT array_agg(a.partition ORDER BY a.partition), array_agg(a.group_offset ORDER BY a.partition),
    array_agg(a.wanted IS DISTINCT FROM p_member ORDER BY a.partition)
  INTO partitions, group_offsets, leaving
  FROM signalbox_log.assignments a
  WHERE a.topic = p_topic AND a.group_name = p_group AND a.owner = p_member;
  RETURN NEXT;
END $$;

-- Removes the other members whose session has expired; their partitions are free at once. How many they were.
CREATE FUNCTION signalbox_log.expire_members(p_topic integer, p_group text, p_member uuid)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  removed integer;
BEGIN
  PERFORM signalbox_log.lock_group(p_topic, p_group);
  DELETE FROM signalbox_log.members m
  WHERE m.topic = p_topic AND m.group_name = p_group AND m.member <> p_member AND signalbox_log.is_dead(m);
  GET DIAGNOSTICS removed = ROW_COUNT;
  IF removed > 0 THEN
    PERFORM signalbox_log.group_changed(p_topic, p_group);
  END IF;
  RETURN removed;
END $$;

-- What an assignment is computed from: members that may own something, in order of joining, and who owns what.
CREATE FUNCTION signalbox_log.read_group(p_topic integer, p_group text)
RETURNS TABLE (generation bigint, members uuid[], partitions integer[], owners uuid[], wanted uuid[])
LANGUAGE sql AS $$
  SELECT g.generation,
    ARRAY (
      SELECT m.member FROM signalbox_log.members m
      WHERE m.topic = g.topic AND m.group_name = g.name AND NOT m.leaving ORDER BY m.joined_at, m.member
    ),
    a.partitions, a.owners, a.wanted
  FROM signalbox_log.groups g
  CROSS JOIN LATERAL (
    SELECT array_agg(partition ORDER BY partition) AS partitions,
      array_agg(owner ORDER BY partition) AS owners, array_agg(assignments.wanted ORDER BY partition) AS wanted
    FROM signalbox_log.assignments WHERE topic = g.topic AND group_name = g.name
  ) a
  WHERE g.topic = p_topic AND g.name = p_group
$$;

-- Writes the assignment computed from `p_generation`; does nothing when it is no longer due.
CREATE FUNCTION signalbox_log.assign(
  p_topic integer, p_group text, p_generation bigint, p_partitions integer[], p_wanted uuid[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM signalbox_log.lock_group(p_topic, p_group);
  UPDATE signalbox_log.groups SET assigned = p_generation
  WHERE topic = p_topic AND name = p_group AND generation = p_generation AND assigned <> p_generation;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE signalbox_log.assignments a SET wanted = w.member
  FROM unnest(p_partitions, p_wanted) AS w(partition, member)
  WHERE a.topic = p_topic AND a.group_name = p_group AND a.partition = w.partition
    AND a.wanted IS DISTINCT FROM w.member;
  PERFORM signalbox_log.notify_group(p_topic, p_group);
END $$;

-- Writes offsets of partitions that the member owns; the others are left as they are.
CREATE FUNCTION signalbox_log.commit_offsets(
  p_topic integer, p_group text, p_member uuid, p_partitions integer[], p_offsets bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM signalbox_log.share_group(p_topic, p_group);
  UPDATE signalbox_log.assignments a SET group_offset = o."offset", committed_at = clock_timestamp()
  FROM unnest(p_partitions, p_offsets) AS o(partition, "offset")
  WHERE a.topic = p_topic AND a.group_name = p_group AND a.partition = o.partition AND a.owner = p_member;
END $$;

-- Hands partitions over: the last offset (null: leaves it) and the release, in one.
CREATE FUNCTION signalbox_log.release_partitions(
  p_topic integer, p_group text, p_member uuid, p_partitions integer[], p_offsets bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM signalbox_log.share_group(p_topic, p_group);
  UPDATE signalbox_log.assignments a SET owner = NULL,
    group_offset = coalesce(o."offset", a.group_offset),
    committed_at = CASE WHEN o."offset" IS NULL THEN a.committed_at ELSE clock_timestamp() END
  FROM unnest(p_partitions, p_offsets) AS o(partition, "offset")
  WHERE a.topic = p_topic AND a.group_name = p_group AND a.partition = o.partition AND a.owner = p_member;
  PERFORM signalbox_log.notify_group(p_topic, p_group);
END $$;

-- The member is going to leave: the next assignment is made without it.
CREATE FUNCTION signalbox_log.begin_leave(p_topic integer, p_group text, p_member uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM signalbox_log.lock_group(p_topic, p_group);
  UPDATE signalbox_log.members m SET leaving = true WHERE m.member = p_member AND NOT m.leaving;
  IF FOUND THEN
    PERFORM signalbox_log.group_changed(p_topic, p_group);
  END IF;
END $$;

CREATE FUNCTION signalbox_log.leave_group(p_topic integer, p_group text, p_member uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM signalbox_log.lock_group(p_topic, p_group);
  DELETE FROM signalbox_log.members WHERE member = p_member;
  IF FOUND THEN
    PERFORM signalbox_log.group_changed(p_topic, p_group);
  END IF;
END $$;
