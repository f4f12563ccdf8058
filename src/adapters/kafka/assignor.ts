/**
 * Who gets which partition: balanced, sticky and cooperative. Run by the leader of the group, in one round of joins.
 *
 * S1 Balance: once nothing has to move, the counts of any two members differ by at most one.
 * S2 Stickiness: a member keeps what it claims as long as balance allows.
 * S3 A partition that somebody claims is given to nobody else: first it is taken away, and given in the next round,
 *    when its owner has drained it and claims it no more.
 * S4 Of two claims the one of the newer generation counts. Claimed twice in the same generation it is given to nobody
 *    in this round, so both drain it.
 *
 * A claim of an older generation still counts when nobody contradicts it: a member whose answer to SyncGroup was lost
 * joins with it, and the broker would have told it (UNKNOWN_MEMBER_ID) if it had been out of the group since.
 */
export interface Claim {
  readonly memberId: string;
  /** Of the member's last SyncGroup; -1 for none. */
  readonly generation: number;
  readonly owned: readonly number[];
}

/** Partitions by member id, ascending; every member is named. */
export function assign(claims: readonly Claim[], partitionCount: number): Map<string, number[]> {
  const members = [...claims].sort(byMemberId);
  const owners = ownersOf(members, partitionCount);
  const shares = sharesOf(members, owners, partitionCount);
  const assignment = new Map<string, number[]>(members.map(({ memberId }) => [memberId, []]));
  const free: number[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const owner = owners.get(partition);
    if (owner === undefined) free.push(partition);
    else if (owner !== DISPUTED) keep(assignment.get(owner), shares.get(owner) ?? 0, partition);
  }
  for (const partition of free) giveToNeediest(assignment, shares, partition);
  for (const partitions of assignment.values()) partitions.sort((one, other) => one - other);
  return assignment;
}

/** Not a member id: those are never empty. */
const DISPUTED = '';

function byMemberId(one: Claim, other: Claim): number {
  return one.memberId < other.memberId ? -1 : 1;
}

/** S4. */
function ownersOf(members: readonly Claim[], partitionCount: number): Map<number, string> {
  const owners = new Map<number, string>();
  const generations = new Map<number, number>();
  for (const { memberId, generation, owned } of members) {
    for (const partition of owned) {
      if (partition >= partitionCount) continue;
      const known = generations.get(partition);
      if (known !== undefined && known > generation) continue;
      owners.set(partition, known === generation ? DISPUTED : memberId);
      generations.set(partition, generation);
    }
  }
  return owners;
}

/** How many partitions each member is to have in the end; the larger shares go to those who have most. */
function sharesOf(
  members: readonly Claim[],
  owners: ReadonlyMap<number, string>,
  partitionCount: number,
): Map<string, number> {
  const counts = new Map<string, number>(members.map(({ memberId }) => [memberId, 0]));
  for (const owner of owners.values()) {
    if (owner !== DISPUTED) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  const floor = Math.floor(partitionCount / members.length);
  const larger = partitionCount - floor * members.length;
  const byCount = [...counts].sort((one, other) => other[1] - one[1]);
  return new Map(byCount.map(([memberId], index) => [memberId, index < larger ? floor + 1 : floor]));
}

/** S2, up to the share: what is above it is given to nobody in this round (S3). */
function keep(partitions: number[] | undefined, share: number, partition: number): void {
  if (partitions !== undefined && partitions.length < share) partitions.push(partition);
}

function giveToNeediest(
  assignment: Map<string, number[]>,
  shares: ReadonlyMap<string, number>,
  partition: number,
): void {
  let neediest: number[] | undefined;
  let needMost = 0;
  for (const [memberId, partitions] of assignment) {
    const need = (shares.get(memberId) ?? 0) - partitions.length;
    if (need > needMost) {
      needMost = need;
      neediest = partitions;
    }
  }
  neediest?.push(partition);
}
