/**
 * Takes the open commands of a partition as the ledger lists them, and sees to it that each is applied or refused:
 * by the slot of its transaction, or at once when it is in none.
 */
import { isFinal } from '../core/states.ts';
import { cancelOf, isInSlot, refusalOf } from './decisions.ts';
import type { Parking, ParkingHost } from './parking.ts';
import type { Command, Row } from './ports-ledger.ts';

export class CommandDesk {
  readonly #host: ParkingHost;
  readonly #parking: Parking;

  constructor(host: ParkingHost, parking: Parking) {
    this.#host = host;
    this.#parking = parking;
  }

  /** `row`: the transaction as the ledger has it now. Called with each open command until it is marked. */
  take(command: Command, row: Row | undefined): void {
    const { decisions, naps, state } = this.#host;
    if (!state.alive || decisions.isSent(command)) return;
    // A second cancelling of one row waits for the first: of a lost commit both would look applied.
    if (this.#parking.isCancelling(command.id)) return;
    if (isInSlot(row, state.partition)) {
      decisions.leave(command);
      naps.wake(command.id);
      return;
    }
    decisions.sending(command);
    const cancels =
      command.action === 'cancel' && row?.state === 'received' && row.partition === state.partition;
    const work = cancels ? () => this.#cancel(command, row) : () => this.#refuse(command);
    this.#host.work(() => work().finally(() => decisions.answered(command)));
  }

  async #refuse(command: Command): Promise<void> {
    const { committer, state } = this.#host;
    await committer.submit(state, [refusalOf(command)]);
  }

  async #cancel(command: Command, row: Row): Promise<void> {
    const { committer, state, doors } = this.#host;
    const { id, location, type, traceparent } = row;
    this.#parking.cancelling(id);
    const change = cancelOf(command);
    doors.passing?.('commanding');
    const [fate] = await committer.submit(state, [change]);
    const outcome = fate?.outcome;
    const done = outcome?.status === 'done' && 'state' in outcome && isFinal(outcome.state) ? outcome : null;
    if (done !== null && state.alive && fate !== undefined) {
      const { number } = done;
      const end = { number: number ?? 0, finishedAtMs: fate.atMs, state: 'rolled_back' as const };
      this.#host.finished(
        { ...end, id, location, type, reason: change.reason, evidence: null, traceparent },
        null,
      );
    }
    await this.#parking.cancelled(id, location, done !== null);
  }
}
