/**
 * Tells people by webhooks, from a worker beside its work. Every worker runs one; the book gives the turns.
 *
 * AW1 Each opened and each resolved alert has one message a receiver, sent until it is taken, under one id.
 * AW2 While the ledger is away the book is, too: after a minute this worker tells that itself, from its memory. So a
 *     fleet of n workers tells it n times, and a worker that ends meanwhile does not tell it any more.
 * AW3 One look and one round of sending at a time; nothing here touches the work of the worker.
 */
import { backOff } from '../core/back-off.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import { alertsOf } from './alerts.ts';
import type { Observer } from './options.ts';
import type { World } from './ports.ts';
import {
  ALERT_KINDS,
  type Alert,
  type AlertBook,
  type AlertMessage,
  type AlertReceiver,
  type AlertSender,
} from './ports-alerts.ts';
import type { Lists } from './ports-lists.ts';
import type { ReadModel } from './ports-read.ts';

/** A person is told within this and what a delivery takes. */
const TURN_MS = 5_000;
const ROUND_MS = 1_000;
/** Longer than one delivery may take: then the sender is taken for dead. */
const LEASE_MS = 60_000;
const MESSAGES_A_ROUND = 20;
/** Rows of attention: held ones come first. */
const ATTENTION_MAX = 500;
const RETRY_FIRST_MS = 5_000;
const RETRY_MAX_MS = 3_600_000;
/** Three days: a weekend during which the receiver is away. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;
/** A partition without an owner for this long: any hand-over is over by then. */
const UNOWNED_MS = 60_000;
const LEDGER_AWAY_MS = 60_000;
/** Messages that only this worker knows (AW2): two an outage and receiver. */
const OWN_MAX = 100;

export interface AlertWatchOptions {
  readonly world: World;
  readonly book: AlertBook;
  readonly sender: AlertSender;
  readonly read: Pick<ReadModel, 'status'>;
  readonly lists: Pick<Lists, 'attention' | 'deadLetterCodes'>;
  readonly receivers: readonly AlertReceiver[];
  readonly inDoubtMs: number;
  readonly topic: string;
  readonly worker: string;
  readonly observer: Pick<Observer, 'problem'>;
}

interface Own {
  readonly message: AlertMessage;
  attempts: number;
  dueMs: number;
}

export class AlertWatch {
  readonly #options: AlertWatchOptions;
  /** Partitions without an owner by key, since when by the monotonic clock. */
  #unowned = new Map<string, number>();
  #own: Own[] = [];
  #away: { readonly sinceMs: number; readonly since: string; told: boolean } | null = null;
  #stopped = false;
  #running: Promise<void> | null = null;
  #wake: () => void = () => undefined;

  constructor(options: AlertWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the round under way has ended. What waits is sent by others, or after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { world } = this.#options;
    while (!this.#stopped) {
      try {
        await this.#look();
        this.#ledgerAnswered();
        await this.#send();
      } catch (error) {
        this.#ledgerFailed(error);
      }
      await this.#sendOwn();
      if (this.#stopped) return;
      await new Promise<void>((resume) => {
        this.#wake = resume;
        world.after(ROUND_MS, resume);
      });
    }
  }

  async #look(): Promise<void> {
    const { book, read, lists, receivers, inDoubtMs } = this.#options;
    const turn = await book.takeTurn(TURN_MS);
    if (turn === null) return;
    const [fleet, attention, deadLetters] = await Promise.all([
      read.status(),
      lists.attention(ATTENTION_MAX),
      lists.deadLetterCodes(),
    ]);
    const alerts = this.#ripened(alertsOf({ fleet, attention, deadLetters }, { inDoubtMs }));
    const cut = attention.length >= ATTENTION_MAX;
    const kinds = ALERT_KINDS.filter(
      (kind) => !cut || (kind !== 'location.held' && kind !== 'transaction.in_doubt'),
    );
    await book.note({ turn, alerts, kinds, receivers });
  }

  /** A partition without an owner is only told when this worker has seen it so for a minute. */
  #ripened(alerts: readonly Alert[]): Alert[] {
    const nowMs = this.#options.world.monotonic();
    const seen = new Map<string, number>();
    const ripened = alerts.map((alert) => {
      if (alert.kind !== 'partition.unowned') return alert;
      const sinceMs = this.#unowned.get(alert.key) ?? nowMs;
      seen.set(alert.key, sinceMs);
      return { ...alert, ripe: alert.ripe && nowMs - sinceMs >= UNOWNED_MS };
    });
    this.#unowned = seen;
    return ripened;
  }

  async #send(): Promise<void> {
    const { book, receivers } = this.#options;
    const webhooks = receivers.map(({ name }) => name);
    const messages = await book.due({ webhooks, leaseMs: LEASE_MS, limit: MESSAGES_A_ROUND });
    await Promise.all(messages.map((message) => this.#deliver(message)));
  }

  async #deliver(message: AlertMessage): Promise<void> {
    const { book, sender } = this.#options;
    const sent = await sender.send(message);
    if (sent.taken) return await book.delivered(message.id);
    const { detail } = sent;
    const retryMs = this.#retryMs(message.attempts, sent.retryMs);
    const givenUp = await book.failed(message.id, { detail, retryMs, giveUpMs: GIVE_UP_MS });
    this.#notTaken(message, `${detail}${givenUp ? '; given up after three days' : ''}`);
  }

  #retryMs(attempts: number, askedMs: number | null): number {
    const { random } = this.#options.world;
    const ms = backOff({ attempt: attempts - 1, firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random });
    return Math.max(ms, Math.min(askedMs ?? 0, RETRY_MAX_MS));
  }

  #notTaken({ webhook }: AlertMessage, detail: string): void {
    this.#options.observer.problem(new SignalboxError('SB-5012', `webhook ${webhook}: ${detail}`), {});
  }

  // ------------------------------------------------------------------------------------------ without the ledger

  #ledgerFailed(error: unknown): void {
    const { world } = this.#options;
    this.#away ??= { sinceMs: world.monotonic(), since: new Date(world.now()).toISOString(), told: false };
    if (this.#away.told || world.monotonic() - this.#away.sinceMs < LEDGER_AWAY_MS) return;
    this.#away.told = true;
    this.#tellOwn('alert.opened', this.#away.since, error instanceof SignalboxError ? error.code : 'SB-2001');
  }

  #ledgerAnswered(): void {
    const away = this.#away;
    this.#away = null;
    if (away?.told === true) this.#tellOwn('alert.resolved', away.since, null);
  }

  #tellOwn(type: 'alert.opened' | 'alert.resolved', since: string, code: string | null): void {
    const { world, topic, worker, receivers } = this.#options;
    const timestamp = new Date(world.now()).toISOString();
    const alert = `ledger.away/${worker}`;
    const text = `Worker ${worker} cannot reach the ledger: nothing begins there.`;
    const remedy =
      'Postgres: does it run, and can it be reached? signalbox doctor. It heals by itself, nothing is lost.';
    const data = { alert, kind: 'ledger.away', topic, since, text, remedy, worker, code };
    const body = JSON.stringify({ type, timestamp, data });
    for (const { name, kinds } of receivers) {
      if (!kinds.includes('ledger.away') || this.#own.length >= OWN_MAX) continue;
      const id = `${topic}.${worker}.${type}.${Date.parse(since)}`;
      this.#own.push({ message: { id, webhook: name, body, attempts: 1 }, attempts: 0, dueMs: 0 });
    }
  }

  /** In their order, one a receiver at a time. */
  async #sendOwn(): Promise<void> {
    const { world, sender } = this.#options;
    const first = this.#own.filter(
      ({ message }, index) =>
        this.#own.findIndex((other) => other.message.webhook === message.webhook) === index,
    );
    const due = first.filter(({ dueMs }) => dueMs <= world.monotonic());
    await Promise.all(
      due.map(async (own) => {
        const sent = await sender.send(own.message);
        if (sent.taken) {
          this.#own = this.#own.filter((other) => other !== own);
          return;
        }
        own.attempts += 1;
        own.dueMs = world.monotonic() + this.#retryMs(own.attempts, sent.retryMs);
        this.#notTaken(own.message, sent.detail);
      }),
    );
  }
}
