-- Records of partitions ($2) of a topic ($1) from positions ($3; -1: the earliest) on: of at most 16 partitions
-- that have some, in the order asked, at most 500 records and 512 KiB of each (one record always).
--
-- One row a partition, the records as two columns of bytes: `frames` has 28 bytes a record (offset and time in ms
-- as int8; length of key, value and headers as int4, -1 for null), `bytes` their keys, values and headers.
-- A partition whose position is not in [first_offset, next_offset] comes without records.
--
-- Reads the primary key of `records` as one range a partition.
SELECT w.partition, w.first_offset, w.next_offset, batch.frames, batch.bytes
FROM (
  SELECT p.partition, p.first_offset, p.next_offset, asked.rank,
    CASE WHEN asked.position < 0 THEN p.first_offset ELSE asked.position END AS position
  FROM unnest($2::integer[], $3::bigint[]) WITH ORDINALITY AS asked(partition, position, rank)
  JOIN signalbox_log.partitions p ON p.topic = $1 AND p.partition = asked.partition
  WHERE p.next_offset <> CASE WHEN asked.position < 0 THEN p.first_offset ELSE asked.position END
  ORDER BY asked.rank
  LIMIT 16
) w
LEFT JOIN LATERAL (
  SELECT
    string_agg(
      int8send(r."offset") || int8send(floor(extract(epoch FROM r.appended_at) * 1000)::bigint)
        || int4send(coalesce(length(r.key), -1)) || int4send(coalesce(length(r.value), -1))
        || int4send(coalesce(length(r.headers), -1)),
      '' ORDER BY r."offset"
    ) AS frames,
    string_agg(
      coalesce(r.key, '') || coalesce(r.value, '') || coalesce(r.headers, ''), '' ORDER BY r."offset"
    ) AS bytes
  FROM (
    SELECT sized.*, sum(sized.size) OVER (ORDER BY sized."offset") - sized.size AS bytes_before
    FROM (
      SELECT "offset", key, value, headers, appended_at,
        coalesce(length(key), 0) + coalesce(length(value), 0) + coalesce(length(headers), 0) AS size
      FROM signalbox_log.records
      WHERE topic = $1 AND partition = w.partition AND "offset" >= w.position
      ORDER BY "offset"
      LIMIT 500
    ) sized
  ) r
  WHERE r.bytes_before < 524288
) batch ON w.position BETWEEN w.first_offset AND w.next_offset
ORDER BY w.rank
