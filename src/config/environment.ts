/**
 * The environment variables, one table: name, the setting it stands for, how its text is read, and what it is
 * for. The reference page and the checks are made from it. An empty variable counts as not set.
 */
import { z } from 'zod';
import { SASL_MECHANISMS } from './config.ts';
import { type Problem, problemsOf } from './problems.ts';
import { leaves } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Reader = 'text' | 'number' | 'fraction' | 'list' | 'yes-no' | 'milliseconds';

export interface Variable {
  readonly name: string;
  /** Dotted path of the setting in the file. */
  readonly setting: string;
  readonly reader: Reader;
  readonly schema: z.ZodType;
  readonly about: string;
}

const anyText = z.string().min(1);
const yesNo = z.boolean({ error: '1 or 0' });

function variable(name: string, setting: string, reader: Reader, schema: z.ZodType, about: string): Variable {
  return { name, setting, reader, schema, about };
}

export const VARIABLES: readonly Variable[] = [
  variable(
    'KAFKA_BROKERS',
    'kafka.brokers',
    'list',
    leaves['kafka.brokers'],
    'Brokers, host:port, separated by commas. Without it the embedded log is used.',
  ),
  variable('KAFKA_TLS', 'kafka.tls', 'yes-no', yesNo, 'Connect to the brokers by TLS.'),
  variable(
    'KAFKA_TLS_CA_FILE',
    'kafka.tls.caFile',
    'text',
    anyText,
    'PEM file of the authorities to trust; turns TLS on.',
  ),
  variable(
    'KAFKA_TLS_CERT_FILE',
    'kafka.tls.certFile',
    'text',
    anyText,
    'PEM file of the client certificate; turns TLS on.',
  ),
  variable(
    'KAFKA_TLS_KEY_FILE',
    'kafka.tls.keyFile',
    'text',
    anyText,
    'PEM file of the key of the client certificate.',
  ),
  variable(
    'KAFKA_TLS_VERIFY',
    'kafka.tls.verify',
    'yes-no',
    yesNo,
    '0 accepts any certificate: for tests only.',
  ),
  variable(
    'KAFKA_SASL_MECHANISM',
    'kafka.sasl.mechanism',
    'text',
    z.enum(SASL_MECHANISMS, { error: `one of: ${SASL_MECHANISMS.join(', ')}` }),
    'How to log in at the brokers.',
  ),
  variable('KAFKA_SASL_USERNAME', 'kafka.sasl.username', 'text', anyText, 'User, for PLAIN and SCRAM.'),
  variable('KAFKA_SASL_PASSWORD', 'kafka.sasl.password', 'text', anyText, 'Password, for PLAIN and SCRAM.'),
  variable('KAFKA_SASL_TOKEN', 'kafka.sasl.token', 'text', anyText, 'Bearer token, for OAUTHBEARER.'),
  variable(
    'KAFKA_SASL_TOKEN_FILE',
    'kafka.sasl.tokenFile',
    'text',
    anyText,
    'File with the token, read again at each connection.',
  ),
  variable(
    'DATABASE_URL',
    'ledger.url',
    'text',
    leaves['ledger.url'],
    'The Postgres of the ledger. Without it an embedded Postgres under SIGNALBOX_DIR is used.',
  ),
  variable(
    'DATABASE_URLS',
    'ledger.urls',
    'list',
    leaves['ledger.urls'],
    'Instead of DATABASE_URL: the servers of a ledger on several, separated by commas, always in the same order.',
  ),
  variable('DATABASE_TLS', 'ledger.tls', 'yes-no', yesNo, 'Connect to Postgres by TLS.'),
  variable(
    'DATABASE_TLS_CA_FILE',
    'ledger.tls.caFile',
    'text',
    anyText,
    'PEM file of the authorities to trust; turns TLS on.',
  ),
  variable(
    'DATABASE_TLS_VERIFY',
    'ledger.tls.verify',
    'yes-no',
    yesNo,
    '0 accepts any certificate: for tests only.',
  ),
  variable('SIGNALBOX_TOPIC', 'topic', 'text', leaves.topic, 'Topic of the transactions.'),
  variable('SIGNALBOX_GROUP', 'group', 'text', leaves.group, 'Consumer group; one group for one ledger.'),
  variable(
    'SIGNALBOX_WORKER',
    'worker',
    'text',
    leaves.worker,
    'Name of this worker in the ledger, unique among running workers.',
  ),
  variable(
    'SIGNALBOX_PARTICIPANT_URL',
    'participants.default.url',
    'text',
    anyText,
    'Where the steps of the participant "default" are carried out; may hold {location}.',
  ),
  variable(
    'SIGNALBOX_CONCURRENCY',
    'concurrency',
    'number',
    leaves.concurrency,
    'Transactions at once at one location.',
  ),
  variable(
    'SIGNALBOX_STEP_TIMEOUT_MS',
    'stepTimeoutMs',
    'milliseconds',
    leaves.stepTimeoutMs,
    'Longest time one call of a step may take.',
  ),
  variable(
    'SIGNALBOX_SESSION_TIMEOUT_MS',
    'sessionTimeoutMs',
    'milliseconds',
    leaves.sessionTimeoutMs,
    'After this time without a sign of life the group gives a worker’s partitions to others.',
  ),
  variable(
    'SIGNALBOX_DRAIN_TIMEOUT_MS',
    'drainTimeoutMs',
    'milliseconds',
    leaves.drainTimeoutMs,
    'Time that steps under way get after SIGTERM.',
  ),
  variable(
    'SIGNALBOX_DEDUPE_WINDOW_MS',
    'dedupeWindowMs',
    'milliseconds',
    leaves.dedupeWindowMs,
    'An id is recognised for this long, finals are kept at least as long; older records are dead letters.',
  ),
  variable(
    'SIGNALBOX_PARKED_MAX',
    'parkedMax',
    'number',
    leaves.parkedMax,
    'Rows of a partition that may be parked in the ledger; 0 parks nothing.',
  ),
  variable(
    'SIGNALBOX_QUIET_MS',
    'quietMs',
    'milliseconds',
    leaves.quietMs,
    'Grade G1: no attempt starts later than this after its not-after time.',
  ),
  variable(
    'SIGNALBOX_DIR',
    'directory',
    'text',
    leaves.directory,
    'Folder of the embedded Postgres and of generated files.',
  ),
  variable(
    'SIGNALBOX_PARTITIONS',
    'partitions',
    'number',
    leaves.partitions,
    'Partitions of the topic when the embedded log makes it.',
  ),
  variable(
    'SIGNALBOX_MIGRATE',
    'ledger.migrate',
    'yes-no',
    leaves['ledger.migrate'],
    '0 forbids to migrate the ledger at start.',
  ),
  variable(
    'SIGNALBOX_CREATE_RESULTS',
    'results.create',
    'yes-no',
    leaves['results.create'],
    '0 forbids to create a missing results topic.',
  ),
  variable(
    'SIGNALBOX_HOST',
    'api.host',
    'text',
    leaves['api.host'],
    'Where the API listens; beyond loopback only with tokens.',
  ),
  variable('PORT', 'api.port', 'number', leaves['api.port'], 'Port of the API; 0 takes any free one.'),
  variable(
    'SIGNALBOX_TOKENS_FILE',
    'api.tokensFile',
    'text',
    leaves['api.tokensFile'],
    'JSON file with the sha-256 hashes of the API tokens.',
  ),
  variable(
    'SIGNALBOX_SESSION_KEY',
    'api.sessionKey',
    'text',
    leaves['api.sessionKey'],
    'Signs the sessions of the page, so that every worker knows them; at least 32 characters.',
  ),
  variable(
    'SIGNALBOX_APPROVAL_MS',
    'api.approvalMs',
    'milliseconds',
    leaves['api.approvalMs'],
    'A second person has to approve a decision about a held transaction within this time.',
  ),
  variable(
    'SIGNALBOX_LABEL',
    'api.label',
    'text',
    leaves['api.label'],
    'What the page calls this installation.',
  ),
  variable('SIGNALBOX_LOG_LEVEL', 'logLevel', 'text', leaves.logLevel, 'debug, info, warn or error.'),
  variable(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'telemetry.traces.otlpUrl',
    'text',
    leaves['telemetry.traces.otlpUrl'],
    'OpenTelemetry collector for traces, OTLP over HTTP; without it there are none.',
  ),
  variable(
    'OTEL_TRACES_SAMPLER_ARG',
    'telemetry.traces.ratio',
    'fraction',
    leaves['telemetry.traces.ratio'],
    'Share of the transactions without a trace of their producer that get one, 0 to 1.',
  ),
  variable(
    'OTEL_SERVICE_NAME',
    'telemetry.traces.serviceName',
    'text',
    leaves['telemetry.traces.serviceName'],
    'Name of the service in traces.',
  ),
];

export interface Settings {
  /** Dotted path of the setting to its value. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

export function readEnvironment(environment: Environment): Settings {
  const values = new Map<string, unknown>();
  const sources = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { name, setting, reader, schema } of VARIABLES) {
    const text = environment[name]?.trim();
    if (text === undefined || text === '') continue;
    const value = read(reader, text);
    const checked = schema.safeParse(value);
    if (checked.success) {
      values.set(setting, checked.data);
      sources.set(setting, `environment ${name}`);
    } else {
      const [first] = problemsOf(checked.error, value, `environment ${name}`);
      if (first !== undefined)
        problems.push(reader === 'list' && !isSecret(name) ? first : { ...first, found: shown(name, text) });
    }
  }
  return { values, sources, problems };
}

function read(reader: Reader, text: string): unknown {
  switch (reader) {
    case 'text':
      return text;
    case 'number':
    case 'milliseconds':
      return /^-?\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : text;
    case 'fraction':
      return /^\d*\.?\d+$/.test(text) ? Number(text) : text;
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'yes-no':
      return text === '1' || text === 'true' ? true : text === '0' || text === 'false' ? false : text;
  }
}

function shown(name: string, text: string): string {
  return isSecret(name) ? 'a value that is not shown' : JSON.stringify(text.slice(0, 80));
}

function isSecret(name: string): boolean {
  return /PASSWORD|TOKEN$|SESSION_KEY|DATABASE_URL/.test(name);
}
