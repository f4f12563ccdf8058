-- Retention: deletes the oldest finals of a partition, with their history. Numbers grow with time, so only the lowest
-- $4 numbers are looked at, however many finals there are. Plan: transactions_number from its start, then the primary
-- key of each, transitions_id for the history. $1 topic, $2 partition, $3 older than this many ms, $4 limit.
with lowest as (
  select t.id, t.finished_at
  from signalbox.transactions t
  where t.topic = $1 and t.partition = $2 and t.number is not null and t.number <= (
    select p.published from signalbox.partitions p where p.topic = $1 and p.partition = $2)
  order by t.number
  limit $4
), old as (
  select array_agg(l.id) as ids
  from lowest l
  where l.finished_at < statement_timestamp() - $3::bigint * interval '1 millisecond'
), history as (
  delete from signalbox.transitions h where h.id = any((select old.ids from old)::text[])
), gone as (
  delete from signalbox.transactions t where t.id = any((select old.ids from old)::text[]) returning t.id
)
select count(*) as count from gone
