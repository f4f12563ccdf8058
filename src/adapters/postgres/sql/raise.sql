-- Raise the epochs after a lost answer. The function is in migrations/0004_commit.sql.
-- $1 topic, $2 partitions in order, $3 their epochs.
select partition, epoch, watermark, published, last_number, commits from signalbox.raise_epochs($1, $2, $3)
