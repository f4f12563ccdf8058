-- Whether the ledger holds an id, of whatever topic. $1 id. Plan: transactions_pkey.
select 1 as found from signalbox.transactions where id = $1
