/** Alerts of a configuration: the book in the ledger, the webhooks, and the watch that uses both. */
import type { Config } from '../config/config.ts';
import { AlertWatch } from '../engine/alert-watch.ts';
import type { Observer } from '../engine/options.ts';
import type { World } from '../engine/ports.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import { type LedgerAddress, postgresOptions } from './compose-ledger.ts';

export interface AlertsParts {
  readonly world: World;
  readonly address: LedgerAddress;
  readonly read: ReadModel;
  readonly lists: Lists;
  readonly observer: Observer;
}

export interface OpenAlerts {
  start(): void;
  close(): Promise<void>;
}

/** Null where no webhook is configured: nothing of it is loaded. */
export async function openAlerts(config: Config, parts: AlertsParts): Promise<OpenAlerts | null> {
  const { webhooks, inDoubtMs } = config.alerts;
  if (webhooks.length === 0) return null;
  const [{ WebhookSender }, { PostgresAlertBook }] = await Promise.all([
    import('../adapters/webhooks/webhook-sender.ts'),
    import('../adapters/postgres/alert-book.ts'),
  ]);
  const { world, address, read, lists, observer } = parts;
  const { topic, worker } = config;
  const sender = new WebhookSender(new Map(webhooks.map((each) => [each.name, each])), world);
  const book = new PostgresAlertBook({ ...postgresOptions(address), topic });
  const doors = { world, book, sender, read, lists, observer };
  const watch = new AlertWatch({ ...doors, receivers: webhooks, inDoubtMs, topic, worker });
  return {
    start: () => watch.start(),
    close: async () => {
      const stopped = watch.stop();
      // What is under way is cut off, and sent again under the same id by whoever comes next: a drain must not wait for it.
      await sender.close();
      await stopped;
      await book.close();
    },
  };
}
