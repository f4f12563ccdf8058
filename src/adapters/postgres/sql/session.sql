-- Settings of every connection of the ledger.
-- A lock or statement that takes longer is given up and tried again; a client that dies in a transaction frees its
-- locks after 5 s, one that dies during a statement after 1 s (where the platform can tell).
set lock_timeout = '2s';
set statement_timeout = '30s';
set idle_in_transaction_session_timeout = '5s';
set synchronous_commit = on;
set default_transaction_isolation = 'read committed';
-- Each statement has an index made for it, whatever the statistics say of a table that grew a minute ago.
set enable_seqscan = off;
do $$
begin
  perform set_config('client_connection_check_interval', '1s', false);
exception when invalid_parameter_value or undefined_object then
  null; -- a platform or a Postgres without it
end $$;
