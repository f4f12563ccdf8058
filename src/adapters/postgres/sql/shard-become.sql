-- Makes an empty ledger a shard. $1 set (null: a new one), $2 its number, $3 how many there are.
select signalbox.become_shard(coalesce($1::uuid, gen_random_uuid()), $2::integer, $3::integer)
