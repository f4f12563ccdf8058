-- Deletes records of one partition that every group of the topic has accounted and that are older than
-- p_keep_ms, from the oldest on, at most p_limit at a time. How many it deleted. A topic without groups (results)
-- goes by age alone.
--
-- Reads the primary key from `first_offset` on, so it does not walk over what was deleted before.
CREATE FUNCTION signalbox_log.delete_old(p_topic integer, p_partition integer, p_keep_ms bigint, p_limit integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  first bigint;
  accounted bigint;
  bound bigint;
  deleted integer;
BEGIN
  SELECT p.first_offset, p.next_offset INTO first, accounted
  FROM signalbox_log.partitions p WHERE p.topic = p_topic AND p.partition = p_partition;
  -- A group that never committed has accounted nothing.
  SELECT least(accounted, min(coalesce(a.group_offset, 0))) INTO accounted
  FROM signalbox_log.assignments a WHERE a.topic = p_topic AND a.partition = p_partition;

  SELECT max(r."offset") + 1 INTO bound
  FROM (
    SELECT "offset", appended_at FROM signalbox_log.records
    WHERE topic = p_topic AND partition = p_partition AND "offset" >= first AND "offset" < accounted
    ORDER BY "offset" LIMIT p_limit
  ) r
  WHERE r.appended_at < clock_timestamp() - p_keep_ms * interval '1 millisecond';
  IF bound IS NULL THEN
    RETURN 0;
  END IF;

  DELETE FROM signalbox_log.records
  WHERE topic = p_topic AND partition = p_partition AND "offset" >= first AND "offset" < bound;
  GET DIAGNOSTICS deleted = ROW_COUNT;
  UPDATE signalbox_log.partitions SET first_offset = greatest(first_offset, bound)
  WHERE topic = p_topic AND partition = p_partition;
  RETURN deleted;
END $$;
