/**
 * Named points of the way of a transaction and of a partition: before and after each await that leaves the process.
 * A crash at any of them must lose nothing and double nothing; the chaos rig and the simulator end a worker there.
 */
export const POINTS = [
  'committing', // entries are grouped, the ledger has not been asked
  'committed', // the ledger has answered, nobody has been told
  'settling', // the answer was lost, the epochs are not raised yet
  'raised', // the epochs are raised, the rows are not read yet
  'calling', // the intent is durable, the participant has not been called
  'called', // the participant has answered, nothing is recorded
  'parking', // records leave memory for the ledger
  'parked', // the ledger holds them
  'page-read', // parked rows came back
  'commanding', // a decision of a person is about to be committed
  'taking-over', // the partition is assigned, the ledger has not been asked
  'taken-over', // the epoch is ours, nothing has been fetched
  'publishing', // results are committed, the broker has not been asked
  'published', // the broker has acknowledged them, nothing is recorded
  'offset-noted', // the watermark is durable, the group offset is not
  'revoked', // the hand-over begins
  'drained', // the hand-over is finished, the partition not yet released
] as const;
export type Point = (typeof POINTS)[number];
