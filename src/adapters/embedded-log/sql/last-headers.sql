-- Headers of the last records of a partition ($2) of a topic ($1), for the number of the last result.
-- Plan: primary key of records, backwards.
select r.headers
  from signalbox_log.records r
  where r.topic = $1 and r.partition = $2 and r.headers is not null
  order by r."offset" desc
  limit 500
