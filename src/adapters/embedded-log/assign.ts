/**
 * Which member should own which partition: balanced, and with as few moves as that allows.
 *
 * AS1 Every partition is given to exactly one member, as long as there is one.
 * AS2 No two members differ by more than one partition.
 * AS3 A partition moves only away from a member that is gone or has more than its share.
 */

export interface OwnedPartition {
  readonly partition: number;
  /** Who works on it now. */
  readonly owner: string | null;
  /** Who should, by the last assignment. */
  readonly wanted: string | null;
}

/** The wanted member of each partition. `members` in a fixed order; null everywhere when there is none. */
export function assign(
  members: readonly string[],
  partitions: readonly OwnedPartition[],
): Map<number, string | null> {
  const held = new Map<string, OwnedPartition[]>(members.map((member) => [member, []]));
  const free: number[] = [];
  for (const partition of partitions) {
    const list = held.get(partition.wanted ?? '') ?? held.get(partition.owner ?? '');
    if (list === undefined) free.push(partition.partition);
    else list.push(partition);
  }
  const assignment = new Map<number, string | null>(partitions.map(({ partition }) => [partition, null]));
  if (members.length === 0) return assignment;

  const share = Math.floor(partitions.length / members.length);
  let larger = partitions.length % members.length;
  const counts = new Map<string, number>();
  // The larger shares go to those who hold most, so that nothing moves for the sake of a remainder.
  for (const [member, list] of [...held].sort(([, a], [, b]) => b.length - a.length)) {
    const quota = larger > 0 ? share + 1 : share;
    larger -= 1;
    list.sort((a, b) => Number(b.owner === member) - Number(a.owner === member) || a.partition - b.partition);
    for (const { partition } of list.slice(0, quota)) assignment.set(partition, member);
    for (const { partition } of list.slice(quota)) free.push(partition);
    counts.set(member, quota - Math.min(list.length, quota));
  }
  free.sort((a, b) => a - b);
  for (const [member, missing] of counts) {
    for (const partition of free.splice(0, missing)) assignment.set(partition, member);
  }
  return assignment;
}
