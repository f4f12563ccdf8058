/**
 * Decisions of people about transactions of one partition (design 5): each is applied through the same fenced commit
 * as everything else, or refused there with what was found.
 *
 * D1 A command about a transaction in a slot is carried out by that slot, between two calls, if it was decided on the
 *    state and token that the slot has.
 * D2 A parked row is cancelled through the ledger alone, which compares.
 * D3 Whatever else was expected is refused, with what the ledger finds.
 */
import { isHolding } from '../core/states.ts';
import { NO_CHANGE } from './ports-entries.ts';
import type { Change, Command, Row } from './ports-ledger.ts';

export class Decisions {
  /** By id of the transaction; the ledger gives the oldest first. */
  readonly #pending = new Map<string, Command>();
  /** Sequences on their way to the ledger. */
  readonly #sent = new Set<number>();

  /** The command that the slot of this transaction has to carry out next. */
  for(id: string): Command | null {
    if (this.#pending.size === 0) return null;
    return this.#pending.get(id) ?? null;
  }

  /** Whether it is on its way already. */
  isSent({ sequence }: Command): boolean {
    return this.#sent.has(sequence);
  }

  /** Leaves it to the slot of its transaction. */
  leave(command: Command): void {
    if (!this.#pending.has(command.id)) this.#pending.set(command.id, command);
  }

  /** It goes to the ledger now. */
  sending(command: Command): void {
    this.#pending.delete(command.id);
    this.#sent.add(command.sequence);
  }

  /** The ledger has answered. */
  answered({ sequence }: Command): void {
    this.#sent.delete(sequence);
  }
}

/** Whether a slot of this partition has, or is about to have, the transaction. */
export function isInSlot(row: Row | undefined, partition: number): boolean {
  return row !== undefined && row.partition === partition && isHolding(row.state);
}

/** Reason of a transaction that was cancelled while it was parked (contract 10). */
export const CANCELLED = 'cancelled';

/** No row matches it, whatever its state: a parked one has no token, and the others are not parked. */
const UNMATCHED = { fromState: 'received', fromToken: '0' } as const;

/** Cancels a parked row. */
export function cancelOf({ sequence, partition, id, reason }: Command): Change {
  return {
    ...NO_CHANGE,
    partition,
    id,
    fromState: 'received',
    fromToken: null,
    event: 'cancel',
    to: 'rolled_back',
    reason: CANCELLED,
    detail: reason,
    command: sequence,
  };
}

/** A change that never applies: the ledger marks the command refused, with what it finds. */
export function refusalOf({ sequence, partition, id }: Command): Change {
  return { ...NO_CHANGE, ...UNMATCHED, partition, id, event: 'cancel', to: 'rolled_back', command: sequence };
}

export function isRefusal({ fromState, fromToken }: Change): boolean {
  return fromState === UNMATCHED.fromState && fromToken !== null;
}
