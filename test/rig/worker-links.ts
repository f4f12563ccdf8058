/** The three links of one place for a worker: whoever works there reaches broker, ledger and site through them only. */
import { Link } from './link.ts';

export const LINKS = ['broker', 'ledger', 'site'] as const;
export type LinkName = (typeof LINKS)[number];
export type WorkerLinks = Readonly<Record<LinkName, Link>>;

/** The broker's link is made with the broker; the others lead to these ports on loopback. */
export async function openLinks(
  broker: Link,
  targets: { readonly ledger: number; readonly site: number },
): Promise<WorkerLinks> {
  return { broker, ledger: await Link.start(targets.ledger), site: await Link.start(targets.site) };
}

/** All but the broker's, which ends with the broker. */
export async function closeLinks({ ledger, site }: WorkerLinks): Promise<void> {
  await Promise.all([ledger.close(), site.close()]);
}

/** Everything passes, nothing is armed. */
export function mendLinks(links: WorkerLinks): void {
  for (const name of LINKS) {
    links[name].disarm();
    links[name].set('open');
  }
}

/** What a worker at this place is told instead of the true addresses. */
export function environmentOf(links: WorkerLinks, databaseUrl: string): Readonly<Record<string, string>> {
  const ledger = new URL(databaseUrl);
  ledger.hostname = '127.0.0.1';
  ledger.port = `${links.ledger.port}`;
  return {
    KAFKA_BROKERS: `127.0.0.1:${links.broker.port}`,
    DATABASE_URL: ledger.href,
    SIGNALBOX_PARTICIPANT_URL: `http://127.0.0.1:${links.site.port}`,
  };
}
