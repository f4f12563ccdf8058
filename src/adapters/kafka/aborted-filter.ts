/**
 * Which transactional records of one partition were aborted. The broker names aborted transactions with each fetch
 * answer, but a transaction may begin in one answer and end in another, so the filter lives as long as the reading
 * position moves on without a jump.
 *
 * A1 From the first offset of a named transaction up to its abort marker, records of its producer are dropped.
 * A2 Named again in a later answer, it counts once.
 */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export class AbortedFilter {
  /** Named and not yet reached, by first offset. Bounded by the transactions open in one answer. */
  #ahead: AbortedTransaction[] = [];
  readonly #aborting = new Set<number>();

  /** The list of a fetch answer, before its batches are asked about. */
  named(transactions: readonly AbortedTransaction[]): void {
    for (const transaction of transactions) {
      const { producerId, firstOffset } = transaction;
      const known = this.#ahead.some(
        (one) => one.producerId === producerId && one.firstOffset === firstOffset,
      );
      if (!known) this.#ahead.push(transaction);
    }
    this.#ahead.sort((one, other) => one.firstOffset - other.firstOffset);
  }

  /** Whether the records of a transactional batch are to be dropped. Asked in offset order. */
  drops(producerId: number, lastOffset: number): boolean {
    while (this.#ahead[0] !== undefined && this.#ahead[0].firstOffset <= lastOffset) {
      this.#aborting.add(this.#ahead[0].producerId);
      this.#ahead.shift();
    }
    return this.#aborting.has(producerId);
  }

  /** The abort marker of a producer: what it writes from now on is another transaction. */
  aborted(producerId: number, markerOffset: number): void {
    this.drops(producerId, markerOffset);
    this.#aborting.delete(producerId);
  }
}
