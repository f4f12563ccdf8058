/** What the Kafka log is built from: settings with units and bounds, and the times derived from them. */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { World } from '../../engine/ports.ts';

export type SaslSettings =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'OAUTHBEARER';
      /** Asked at each connection and renewal. */
      readonly token: () => string | Promise<string>;
      readonly extensions?: Readonly<Record<string, string>>;
    };

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** How to reach and trust the brokers; shared by log and sender. */
export interface KafkaConnectionSettings {
  /** `host` or `host:port` (default 9092); at least one. */
  readonly brokers: readonly string[];
  /** What operators see as CLIENT-ID. */
  readonly clientId: string;
  /** Options of node:tls; true for the defaults with the system's certificates. */
  readonly tls?: TlsOptions | boolean;
  readonly sasl?: SaslSettings;
  /** Where to connect for an address the brokers advertise: for tunnels and port forwards. Default: there. */
  readonly route?: (address: BrokerAddress) => BrokerAddress;
}

export interface KafkaLogSettings extends KafkaConnectionSettings {
  readonly topic: string;
  readonly group: string;
  /** Default `<topic>.results`; null: nothing is published. */
  readonly resultsTopic?: string | null;
  /** Whether `open` may make the results topic, with the partition count of the topic. */
  readonly createResultsTopic: boolean;
  /** Default 45,000. */
  readonly sessionTimeoutMs?: number;
  /** Default 3,000, and never more than a third of the session time-out. */
  readonly heartbeatMs?: number;
  /** Default 90,000. A member that has not joined again by then is removed. */
  readonly rebalanceTimeoutMs?: number;
  /** Budget of a planned hand-over. Default min(60 s, rebalance time-out − 20 s), at least a third of that time-out. */
  readonly drainBudgetMs?: number;
  /** Default 1,000. */
  readonly commitIntervalMs?: number;
  /** How often partition count and topic id are looked up. Default 10,000. */
  readonly topicPollMs?: number;
  /** Wait in `open` for a topic that does not exist yet (SB-3002 as a problem) instead of refusing it. */
  readonly waitForTopic?: boolean;
  readonly world: World;
}

export interface GroupTimes {
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly drainBudgetMs: number;
  /** Begins stop when membership has not been proven for this long: two thirds of the session. */
  readonly fenceMs: number;
}

export function groupTimes(settings: KafkaLogSettings): GroupTimes {
  const sessionTimeoutMs = settings.sessionTimeoutMs ?? 45_000;
  const rebalanceTimeoutMs = settings.rebalanceTimeoutMs ?? 90_000;
  // 20 s for the last commit and the next JoinGroup; a short time-out (tests) leaves a third for draining.
  const budget = Math.max(Math.min(60_000, rebalanceTimeoutMs - 20_000), rebalanceTimeoutMs / 3);
  return {
    sessionTimeoutMs,
    heartbeatMs: Math.min(settings.heartbeatMs ?? 3_000, sessionTimeoutMs / 3),
    rebalanceTimeoutMs,
    // Never above the rebalance time-out: the broker removes us then.
    drainBudgetMs: Math.min(settings.drainBudgetMs ?? budget, rebalanceTimeoutMs),
    fenceMs: (sessionTimeoutMs * 2) / 3,
  };
}
