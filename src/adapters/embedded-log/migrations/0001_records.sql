-- The topics of the embedded log and their records.
--
-- R1 Offsets of a partition are given in commit order and without gaps: whoever appends holds the lock of the
--    partition's row until it has committed. So a reader that has seen an offset has seen all lower ones.
-- R2 Records of several partitions are appended in one call; the rows are locked in partition order, so calls do
--    not deadlock.
-- R3 A row of `partitions` and its records are read in one statement, so they agree.

CREATE TABLE signalbox_log.topics (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 255),
  -- Another id after the topic was deleted and made again.
  id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  -- 1,000: a notification names partitions and must stay below 8,000 bytes.
  partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 1000),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Updated by every append: room on the page keeps the updates out of the index.
CREATE TABLE signalbox_log.partitions (
  topic integer NOT NULL REFERENCES signalbox_log.topics ON DELETE CASCADE,
  partition integer NOT NULL,
  -- Everything below was deleted (retention).
  first_offset bigint NOT NULL DEFAULT 0,
  -- Offset of the next record.
  next_offset bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- No foreign key: `append` goes through the row of the partition, and the check would cost every record.
CREATE TABLE signalbox_log.records (
  topic integer NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  key bytea,
  value bytea,
  -- Per header: length and bytes of the name, length (-1: null) and bytes of the value; null: none.
  headers bytea,
  appended_at timestamptz NOT NULL,
  PRIMARY KEY (topic, partition, "offset")
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- Makes the topic where it is missing. Several processes may call it at once.
CREATE FUNCTION signalbox_log.ensure_topic(p_name text, p_partitions integer)
RETURNS signalbox_log.topics LANGUAGE plpgsql AS $$
DECLARE
  found_topic signalbox_log.topics;
BEGIN
  SELECT * INTO found_topic FROM signalbox_log.topics WHERE name = p_name;
  IF FOUND THEN
    RETURN found_topic;
  END IF;
  INSERT INTO signalbox_log.topics (name, partitions) VALUES (p_name, p_partitions)
  ON CONFLICT (name) DO NOTHING;
  SELECT * INTO STRICT found_topic FROM signalbox_log.topics WHERE name = p_name;
  INSERT INTO signalbox_log.partitions (topic, partition)
  SELECT found_topic.number, partition FROM generate_series(0, found_topic.partitions - 1) AS partition
  ON CONFLICT DO NOTHING;
  RETURN found_topic;
END $$;

-- Appends records, given as ranges of one buffer: record i starts at p_starts[i] (from 0) with its key, then its
-- value, then its headers; a length of -1 is null. Records of a partition get offsets in the order given.
-- Raises no_data_found when the topic has no such partition.
CREATE FUNCTION signalbox_log.append(
  p_topic integer, p_partitions integer[], p_starts integer[],
  p_key_lengths integer[], p_value_lengths integer[], p_headers_lengths integer[], p_bytes bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  appended bigint;
BEGIN
  -- A statement of its own: the next one sees what the last holder of the locks has committed (R1, R2).
  PERFORM FROM signalbox_log.partitions
  WHERE topic = p_topic AND partition = ANY (p_partitions)
  ORDER BY partition FOR NO KEY UPDATE;

  INSERT INTO signalbox_log.records (topic, partition, "offset", key, value, headers, appended_at)
  SELECT p_topic, r.partition,
    p.next_offset + row_number() OVER (PARTITION BY r.partition ORDER BY r.index) - 1,
    CASE WHEN r.key_length >= 0 THEN substr(p_bytes, r.start + 1, r.key_length) END,
    CASE WHEN r.value_length >= 0 THEN
      substr(p_bytes, r.start + 1 + greatest(r.key_length, 0), r.value_length) END,
    CASE WHEN r.headers_length >= 0 THEN
      substr(p_bytes, r.start + 1 + greatest(r.key_length, 0) + greatest(r.value_length, 0), r.headers_length) END,
    clock_timestamp()
  FROM unnest(p_partitions, p_starts, p_key_lengths, p_value_lengths, p_headers_lengths)
    WITH ORDINALITY AS r(partition, start, key_length, value_length, headers_length, index)
  JOIN signalbox_log.partitions p ON p.topic = p_topic AND p.partition = r.partition;
  GET DIAGNOSTICS appended = ROW_COUNT;
  IF appended <> cardinality(p_partitions) THEN
    RAISE no_data_found USING MESSAGE = 'the topic has no such partition';
  END IF;

  UPDATE signalbox_log.partitions p SET next_offset = p.next_offset + counted.records
  FROM (
    SELECT partition, count(*) AS records FROM unnest(p_partitions) AS partition GROUP BY partition
  ) counted
  WHERE p.topic = p_topic AND p.partition = counted.partition;

  PERFORM pg_notify('signalbox_log', format('records:%s:%s', p_topic, string_agg(DISTINCT partition::text, ',')))
  FROM unnest(p_partitions) AS partition;
END $$;
