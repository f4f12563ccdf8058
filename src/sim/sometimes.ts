/**
 * Situations that a run of many simulated worlds must have met: a run that never met one of them has not tested what it
 * seems to test, and fails (L7). A point is counted only where the situation is seen, never where a fault is drawn.
 */
export const SOMETIMES = [
  // Commits and their answers (watch-store.ts, watch-doors.ts)
  'the answer to a commit was lost and it had landed',
  'the answer to a commit was lost and it landed later, before the epochs were raised',
  'the answer to a commit was lost and it came later, shut out by the raised epoch',
  'the answer to a commit was lost and it never landed',
  'a commit of a killed worker landed',
  'a commit of a stopped worker landed',
  'a commit of an owner whose partition was taken over was refused',
  'a commit was refused for one partition and applied for another',
  'a commit carried entries of several partitions',
  'an end and the next begin of a lane were in one commit',
  // Entries
  'a duplicate of a parked row',
  'a duplicate of a transaction under way',
  'a duplicate of a final transaction',
  'an id came again with other content',
  'a record met its own row',
  'a begin found no free slot',
  'a begin found its location paused',
  'a parked row was gone when it should begin',
  'a transaction expired before it began',
  'a change found another state or token',
  'a deadline had passed inside the commit',
  'rows were parked while a page of their lane was read',
  'a dead letter met itself again',
  // Take-overs
  'a take-over found holders',
  'a take-over found an attempt under way',
  'a take-over found parked rows',
  'a take-over while a commit of the former owner was on its way',
  'a take-over from a stopped owner',
  'a take-over from an owner that was at work',
  'two workers took a partition over with no commit between',
  'a partition was taken over while a lost answer was settled',
  'a partition ended while it was taken over',
  'a location was paused during a take-over',
  'a location was freed during a take-over',
  'a transaction was taken over twice',
  'a transaction was held because its attempts ended by take-overs',
  // Workers
  'a worker was killed with calls on their way',
  'a worker was killed with a commit on its way',
  'a worker was killed while it took a partition over',
  'a worker was stopped with calls on their way',
  'a worker woke up and its partition had another owner',
  'no worker was alive',
  'a fenced owner had calls on their way',
  'a hand-over ended in time',
  'a hand-over ran out of time',
  'a worker doubted its own membership and began nothing',
  'a fetch was paused because memory was full',
  // Participants (watch-site.ts)
  'a zombie reached the participant',
  'a call of a killed worker reached the participant',
  'a call reached the participant after its transaction was final',
  'an answer came after its transaction was final',
  'a packet came twice',
  'a packet came after a newer one of its key',
  'a participant refused an old token',
  'a participant repeated what it had recorded',
  'an execute came while the same key was under way',
  'an execute came after the reversal of its key',
  'a reversal left a tombstone',
  'a status found nothing',
  'a status found the step under way',
  // What became of doubt
  'doubt ended: the effect had happened',
  'doubt ended: refused',
  'doubt ended: never, and the step was tried again',
  'doubt ended by a roll back',
  'a step was retried',
  'a transaction of several steps was reversed',
  // People
  'a decision was applied',
  'a decision was refused, for it was decided on what is no longer so',
  'a parked transaction was cancelled',
  'two decisions about one transaction were open at once',
  // Log
  'records were fetched again',
  'a group offset went back by a late commit',
  'a result was published twice',
  'results arrived and their acknowledgement was lost',
  'results were lost on their way',
  // The ledger loses history
  'the ledger lost history while effects were under way',
] as const;
export type Sometimes = (typeof SOMETIMES)[number];

/** Points of the list that were never reached. */
export function neverReached(
  counts: Readonly<Record<string, number>>,
  points: readonly Sometimes[] = SOMETIMES,
): Sometimes[] {
  return points.filter((point) => (counts[point] ?? 0) === 0);
}
