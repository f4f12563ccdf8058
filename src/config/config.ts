/**
 * The checked configuration of one process: every value present, in the units of its name, and for each setting
 * the source it came from (default, file, environment variable, option of the command).
 */
import type { Display } from '../core/display.ts';
import type { Grade } from '../core/grade.ts';
import type { AlertKind } from '../engine/ports-alerts.ts';

export interface TlsConfig {
  /** PEM text of the authorities to trust; null: those of Node.js. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** False accepts any certificate: for tests only. */
  readonly verify: boolean;
}

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export type SaslConfig =
  | {
      readonly mechanism: Exclude<SaslMechanism, 'OAUTHBEARER'>;
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'OAUTHBEARER';
      /** One of the two is given; the file is read again at each connection, so it may be renewed. */
      readonly token: string | null;
      readonly tokenFile: string | null;
    };

export interface KafkaConfig {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly tls: TlsConfig | null;
  readonly sasl: SaslConfig | null;
}

export interface ParticipantConfig {
  /** May hold `{location}`. */
  readonly url: string;
  /** Sent with each call; never logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null: as its capabilities say. */
  readonly grade: Grade | null;
}

export interface StepConfig {
  readonly name: string;
  readonly participant: string;
  readonly timeoutMs: number;
  readonly irreversible: boolean;
  /** False: its participant promises never to refuse it. */
  readonly canRefuse: boolean;
}

export interface TypeVersionConfig {
  readonly version: number;
  readonly deadlineMs: number;
  readonly steps: readonly StepConfig[];
}

export interface TypeConfig extends TypeVersionConfig {
  /** How its data is shown to people; null: as PLAIN_DISPLAY. */
  readonly display: Display | null;
  /** Plans of former versions, for transactions that are still open under them. */
  readonly earlier: readonly TypeVersionConfig[];
}

export interface OpenIdConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  readonly claim: string;
  /** Values of the claim by role. */
  readonly roles: Readonly<Record<'viewer' | 'operator' | 'admin', readonly string[]>>;
}

export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  readonly tokensFile: string | null;
  /** Signs the sessions of the page; null: each process has its own key. Never logged. */
  readonly sessionKey: string | null;
  /** A second person has to approve a decision about a held transaction within this time; null: nobody. */
  readonly approvalMs: number | null;
  /** What the page calls this installation; null: nothing. */
  readonly label: string | null;
  readonly openId: OpenIdConfig | null;
}

export interface TracesConfig {
  /** Of the OpenTelemetry collector, as OTEL_EXPORTER_OTLP_ENDPOINT; null: no traces. */
  readonly otlpUrl: string | null;
  /** Share of the transactions whose record brought no trace that get one, 0 to 1. */
  readonly ratio: number;
  readonly serviceName: string;
}

export interface WebhookConfig {
  readonly name: string;
  /** May hold a key in its path: never logged. */
  readonly url: string;
  /** Signs each message; never logged. */
  readonly key: Buffer;
  readonly kinds: readonly AlertKind[];
}

export interface AlertsConfig {
  readonly webhooks: readonly WebhookConfig[];
  /** Longer in doubt, or being reversed, and people are told. */
  readonly inDoubtMs: number;
}

export interface Config {
  /** Path of the file that was read; null when there is none. */
  readonly file: string | null;
  readonly topic: string;
  readonly group: string;
  readonly worker: string;
  /** Where the embedded Postgres, the generated token and the demo keep their files. Absolute. */
  readonly directory: string;
  /** Null: the embedded log in the ledger's database. */
  readonly kafka: KafkaConfig | null;
  /** Partitions of the embedded log when it makes its topic. */
  readonly partitions: number;
  readonly ledger: {
    /** One, or the shards in their order; none: the embedded Postgres of `directory`. */
    readonly urls: readonly string[];
    readonly tls: TlsConfig | null;
    /** Whether an empty or older ledger is migrated at start. */
    readonly migrate: boolean;
  };
  /** Whether a missing results topic is created. */
  readonly createResults: boolean;
  readonly participants: Readonly<Record<string, ParticipantConfig>>;
  /** Null: any type, with the one step `apply` at the participant `default`. */
  readonly types: Readonly<Record<string, TypeConfig>> | null;
  /** Slots of a location where no limit matches. */
  readonly concurrency: number;
  /** First match counts. */
  readonly limits: readonly { readonly pattern: string; readonly concurrency: number }[];
  readonly stepTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** An id is recognised for this long; finals are kept at least as long. */
  readonly dedupeWindowMs: number;
  /** Parked rows of a partition, at most. */
  readonly parkedMax: number;
  /** Grade G1: no attempt starts later than this after its not-after time. */
  readonly quietMs: number;
  readonly api: ApiConfig;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly traces: TracesConfig;
  readonly alerts: AlertsConfig;
  /** Dotted path of a setting to where its value came from. */
  readonly sources: Readonly<Record<string, string>>;
}

/** The URL without user, password and query: fit for a log line. */
export function withoutSecrets(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : decodeURI(parsed.pathname)}`;
  } catch {
    return '(not a URL)';
  }
}

/** True for the addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
