/**
 * Alerts: what a person should be told without looking, as webhooks. The book is in the ledger, so that the fleet tells
 * each thing once, whichever worker finds it and whichever sends it.
 */
import type { JsonObject } from '../core/answer.ts';

export const ALERT_KINDS = [
  'location.held',
  'transaction.in_doubt',
  'dead_letter.open',
  'partition.unowned',
  'worker.lost',
  'ledger.away',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Something that is the case now. */
export interface Alert {
  readonly kind: AlertKind;
  /** `<kind>/<what>`: open once at a time. */
  readonly key: string;
  /** RFC 3339. */
  readonly since: string;
  /** One sentence, and what a person does first; the particulars beside them. */
  readonly data: JsonObject & { readonly text: string; readonly remedy: string };
  /** False: not long enough yet to tell; but if it was told it is not over. */
  readonly ripe: boolean;
}

/** Who is told: a webhook by its name, and what of. */
export interface AlertReceiver {
  readonly name: string;
  readonly kinds: readonly AlertKind[];
}

export interface AlertMessage {
  /** The same at each attempt: `webhook-id`. */
  readonly id: string;
  readonly webhook: string;
  /** JSON text, the same at each attempt. */
  readonly body: string;
  /** This one included. */
  readonly attempts: number;
}

/** Every method may throw LedgerError; each may simply be called again. */
export interface AlertBook {
  /** The turn to look at the fleet goes to one worker each `everyMs`: its number. Null: not this one's, or not yet. */
  takeTurn(everyMs: number): Promise<number | null>;
  /**
   * Writes what is new and what is over, with a message to each receiver, in one statement. Nothing when the turn has
   * passed to another worker. Only alerts of `kinds` can be over: of the others not all were looked at.
   */
  note(found: {
    readonly turn: number;
    readonly alerts: readonly Alert[];
    readonly kinds: readonly AlertKind[];
    readonly receivers: readonly AlertReceiver[];
  }): Promise<void>;
  /**
   * Messages to these webhooks whose time has come, at most `limit`. They are this worker's for `leaseMs`; then anybody
   * takes them up. What is over waits until it was told that it began.
   */
  due(of: {
    readonly webhooks: readonly string[];
    readonly leaseMs: number;
    readonly limit: number;
  }): Promise<AlertMessage[]>;
  delivered(id: string): Promise<void>;
  /** Not taken: again after `retryMs`, until the message is `giveUpMs` old. True: given up. */
  failed(
    id: string,
    why: { readonly detail: string; readonly retryMs: number; readonly giveUpMs: number },
  ): Promise<boolean>;
  close(): Promise<void>;
}

export type Sent =
  | { readonly taken: true }
  /** `retryMs`: how long the receiver asked to wait; null: it did not say. */
  | { readonly taken: false; readonly detail: string; readonly retryMs: number | null };

/** Sends one message once; never throws. */
export interface AlertSender {
  send(message: Pick<AlertMessage, 'id' | 'webhook' | 'body'>): Promise<Sent>;
  close(): Promise<void>;
}
