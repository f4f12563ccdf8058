/** Rows, dead letters and records found by id and by place, and how each record of the topic was accounted. */
import type { DeadLetterRow, Evidence, RecordTransaction, TopicRecord, TransactionRow } from './evidence.ts';

/** Where a record stands: in a topic whose name the evidence gives. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

export type Accounting =
  /** The row of this very record. */
  | { readonly as: 'row'; readonly row: TransactionRow }
  | { readonly as: 'dead letter'; readonly deadLetter: DeadLetterRow }
  /** Another record with this id and equal content has the row. */
  | { readonly as: 'duplicate'; readonly row: TransactionRow }
  /** Another record with this id and other content has the row, and there is no dead letter. */
  | { readonly as: 'unreported conflict'; readonly row: TransactionRow }
  | { readonly as: 'nothing' };

export class Lookup {
  /** Rows of the topic. */
  readonly rows: readonly TransactionRow[];
  readonly #evidence: Evidence;
  readonly #byId: ReadonlyMap<string, TransactionRow>;
  readonly #byPlace: ReadonlyMap<string, TransactionRow>;
  readonly #deadLetters: ReadonlyMap<string, DeadLetterRow>;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.rows = evidence.transactions.filter((row) => row.topic === evidence.topic);
    this.#byId = new Map(this.rows.map((row) => [row.id, row]));
    this.#byPlace = new Map(this.rows.map((row) => [placeText(row), row]));
    this.#deadLetters = new Map(evidence.deadLetters.map((letter) => [placeText(letter), letter]));
  }

  row(id: string): TransactionRow | undefined {
    return this.#byId.get(id);
  }

  rowAt(place: Place): TransactionRow | undefined {
    return this.#byPlace.get(placeText(place));
  }

  deadLetterAt(place: Place): DeadLetterRow | undefined {
    return this.#deadLetters.get(placeText(place));
  }

  /** The row is looked for first: a record that has both is accounted as its row. */
  accounting(record: TopicRecord): Accounting {
    const own = this.rowAt(record);
    if (own !== undefined) return { as: 'row', row: own };
    const deadLetter = this.deadLetterAt(record);
    if (deadLetter !== undefined) return { as: 'dead letter', deadLetter };
    const transaction = this.#evidence.transactionOf(record);
    const row = transaction === null ? undefined : this.row(transaction.id);
    if (transaction === null || row === undefined) return { as: 'nothing' };
    return { as: this.sameContent(row, transaction) ? 'duplicate' : 'unreported conflict', row };
  }

  sameContent(row: TransactionRow, transaction: RecordTransaction): boolean {
    return this.#evidence.sameContent(row.payload, row.location, transaction.payload, transaction.location);
  }
}

/** `partition/offset` */
export function placeText({ partition, offset }: Place): string {
  return `${partition}/${offset}`;
}

/** The row as messages name it. */
export function rowText(row: TransactionRow): string {
  return `${row.id} (location ${row.location}, slot ${row.slot ?? 'none'}, record ${placeText(row)}, ${row.state})`;
}

/** The transaction id in the key of a step. */
export function idOfKey(key: string): string {
  return key.slice(0, key.lastIndexOf(':'));
}

/** Names of the steps in the stored form of a plan, `<version>:<step>,<step>`. */
export function stepsOf(plan: string): string[] {
  return plan.slice(plan.indexOf(':') + 1).split(',');
}
