-- First in the transaction that migrates: one process at a time goes on from here.
CREATE SCHEMA IF NOT EXISTS signalbox_log;
CREATE TABLE IF NOT EXISTS signalbox_log.migrations (
  number integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
LOCK TABLE signalbox_log.migrations IN EXCLUSIVE MODE;
