/**
 * The shape of `signalbox.config.ts` (or .json), as zod checks it. The message of each schema is the text
 * "what is allowed", so that a problem can name field, found and allowed (SB-5002).
 * C1 Unknown fields are problems: a misspelt setting must not be silently ignored.
 */
import { z } from 'zod';
import { GRADES } from '../core/grade.ts';
import { ALERT_KINDS } from '../engine/ports-alerts.ts';
import { SASL_MECHANISMS } from './config.ts';

/** Longest time any setting may name, in ms: seven days. Timers of Node.js end at 24 days. */
const LONGEST_MS = 7 * 24 * 3600 * 1000;

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

function strict<S extends z.ZodRawShape>(shape: S) {
  const fields = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `one of: ${fields}` : `an object with fields of: ${fields}`,
  });
}

function wholeNumber(min: number, max: number, unit: string) {
  const error = `a whole number from ${min} to ${max}${unit}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function matching(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

const milliseconds = (min: number) => wholeNumber(min, LONGEST_MS, ' ms');
/** A shorter window would forget ids while producers still repeat them; a longer one than two years is a mistake. */
const dedupeWindowMs = wholeNumber(3_600_000, 2 * 366 * 24 * 3_600_000, ' ms');
const yesOrNo = z.boolean({ error: 'true or false' });
const text = z.string({ error: 'a text that is not empty' }).min(1, { error: 'a text that is not empty' });
const name = matching(/^[A-Za-z0-9._~-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 . _ ~ -');
/** Kafka's own limit on names of topics is 249; `.results` is appended. */
const topicName = matching(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,241}$/, '1 to 241 of A-Z a-z 0-9 . _ -');
const httpUrl = z.string({ error: 'an http:// or https:// URL' }).refine(isHttpUrl, {
  error: 'an http:// or https:// URL without user and password; it may hold {location}',
});
const plainUrl = z
  .string({ error: 'an http:// or https:// URL' })
  .refine((value) => isHttpUrl(value) && !/[{}]/.test(value), {
    error: 'an http:// or https:// URL without user and password',
  });
const fraction = z
  .number({ error: 'a number from 0 to 1' })
  .min(0, { error: 'a number from 0 to 1' })
  .max(1, { error: 'a number from 0 to 1' });
const postgresUrl = z
  .string({ error: 'a postgres:// URL' })
  .refine((value) => /^postgres(ql)?:\/\//.test(value) && URL.canParse(value), {
    error: 'a postgres:// URL',
  });
/** More servers than any topic of today needs; a worker keeps connections to each. */
const SHARDS_MAX = 64;
const SHARDS = `a list of 1 to ${SHARDS_MAX} different postgres:// URLs`;
const postgresUrls = z
  .array(postgresUrl, { error: SHARDS })
  .min(1, { error: SHARDS })
  .max(SHARDS_MAX, { error: SHARDS })
  .refine((urls) => new Set(urls).size === urls.length, { error: SHARDS });
const broker = matching(
  /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([1-9]\d{0,4})$/,
  'host:port, port 1 to 65535',
).refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535, {
  error: 'host:port, port 1 to 65535',
});
const brokers = z.array(broker, { error: 'a list of host:port' }).min(1, { error: 'at least one host:port' });
const host = matching(/^[A-Za-z0-9.:[\]_-]{1,253}$/, 'a host name or an IP address');
const port = wholeNumber(0, 65_535, '; 0 takes any free port');
const concurrency = wholeNumber(1, 1_000, '');

const tls = z.union(
  [
    yesOrNo,
    strict({
      caFile: text.optional(),
      certFile: text.optional(),
      keyFile: text.optional(),
      verify: yesOrNo.optional(),
    }),
  ],
  { error: 'true, false, or an object with fields of: caFile, certFile, keyFile, verify' },
);

const sasl = strict({
  mechanism: z.enum(SASL_MECHANISMS, { error: `one of: ${SASL_MECHANISMS.join(', ')}` }),
  username: text.optional(),
  password: text.optional(),
  token: text.optional(),
  tokenFile: text.optional(),
});

const step = strict({
  name,
  participant: name.optional(),
  timeoutMs: milliseconds(1).optional(),
  irreversible: yesOrNo.optional(),
  canRefuse: yesOrNo.optional(),
});

const PATH = 'a dotted path that begins with data or evidence';
const dataPath = matching(/^(data|evidence)(\.[^.\s]{1,64}){1,8}$/, PATH);

const display = strict({
  amount: dataPath.optional(),
  currency: dataPath.optional(),
  label: dataPath.optional(),
  redact: z
    .array(dataPath, { error: `a list of ${PATH}` })
    .max(64)
    .optional(),
});

const version = {
  version: wholeNumber(1, 1_000_000, '').optional(),
  deadlineMs: milliseconds(1).optional(),
  /** A plan is read by people and stored with each transaction: 32 steps are more than any should have. */
  steps: z
    .array(step, { error: 'a list of 1 to 32 steps' })
    .min(1, { error: 'a list of 1 to 32 steps' })
    .max(32, { error: 'a list of 1 to 32 steps' })
    .refine((steps) => new Set(steps.map((each) => each.name)).size === steps.length, {
      error: 'steps with different names',
    }),
};

const participant = strict({
  url: httpUrl,
  headers: z
    .record(
      matching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'a name of an HTTP header'),
      matching(/^[\t\x20-\x7e\x80-\xff]*$/, 'a value of an HTTP header'),
      { error: 'an object of header name to value' },
    )
    .optional(),
  grade: z.enum(GRADES, { error: `one of: ${GRADES.join(', ')}` }).optional(),
});

const webhook = strict({
  url: plainUrl,
  secretEnv: matching(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of an environment variable').optional(),
  kinds: z
    .array(z.enum(ALERT_KINDS, { error: `one of: ${ALERT_KINDS.join(', ')}` }), { error: 'a list of kinds' })
    .min(1)
    .optional(),
});
const names = z.array(text, { error: 'a list of texts' }).max(100).optional();

/** Signing in at an OpenID provider; who has none of the values has no role. */
const openId = strict({
  issuer: httpUrl,
  clientId: text,
  clientSecret: text.optional(),
  /** Claim of the ID token that names what gives a role: a text, or a list of them. */
  claim: text.optional(),
  viewer: names,
  operator: names,
  admin: names,
});

/** Leaves that an environment variable can set as well; keyed by their dotted path. */
export const leaves = {
  topic: topicName,
  group: matching(/^[A-Za-z0-9._~-]{1,255}$/, '1 to 255 of A-Z a-z 0-9 . _ ~ -'),
  worker: matching(/^[A-Za-z0-9._~-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 . _ ~ -'),
  directory: text,
  partitions: wholeNumber(1, 1_000, ''),
  concurrency,
  stepTimeoutMs: milliseconds(1),
  /** Below 3 s a pause of the garbage collector or of the network looks like a death. */
  sessionTimeoutMs: wholeNumber(3_000, 1_800_000, ' ms'),
  drainTimeoutMs: milliseconds(0),
  dedupeWindowMs,
  parkedMax: wholeNumber(0, 10_000_000, ''),
  quietMs: milliseconds(0),
  logLevel: z.enum(LOG_LEVELS, { error: `one of: ${LOG_LEVELS.join(', ')}` }),
  'kafka.brokers': brokers,
  'ledger.url': postgresUrl,
  'ledger.urls': postgresUrls,
  'ledger.migrate': yesOrNo,
  'results.create': yesOrNo,
  'api.host': host,
  'api.port': port,
  'api.tokensFile': text,
  'api.sessionKey': z
    .string({ error: 'at least 32 characters' })
    .min(32, { error: 'at least 32 characters' }),
  'api.approvalMs': milliseconds(1_000),
  'api.label': matching(/^[^\p{Cc}]{1,24}$/u, '1 to 24 characters'),
  'telemetry.traces.otlpUrl': plainUrl,
  'telemetry.traces.ratio': fraction,
  'telemetry.traces.serviceName': matching(/^[^\p{Cc}]{1,128}$/u, '1 to 128 characters'),
} as const;

export const configSchema = strict({
  topic: leaves.topic.optional(),
  group: leaves.group.optional(),
  worker: leaves.worker.optional(),
  directory: leaves.directory.optional(),
  partitions: leaves.partitions.optional(),
  concurrency: leaves.concurrency.optional(),
  stepTimeoutMs: leaves.stepTimeoutMs.optional(),
  sessionTimeoutMs: leaves.sessionTimeoutMs.optional(),
  drainTimeoutMs: leaves.drainTimeoutMs.optional(),
  dedupeWindowMs: leaves.dedupeWindowMs.optional(),
  parkedMax: leaves.parkedMax.optional(),
  quietMs: leaves.quietMs.optional(),
  logLevel: leaves.logLevel.optional(),
  kafka: strict({
    brokers: leaves['kafka.brokers'].optional(),
    tls: tls.optional(),
    sasl: sasl.optional(),
  }).optional(),
  ledger: strict({
    url: leaves['ledger.url'].optional(),
    urls: leaves['ledger.urls'].optional(),
    tls: tls.optional(),
    migrate: leaves['ledger.migrate'].optional(),
  }).optional(),
  results: strict({ create: leaves['results.create'].optional() }).optional(),
  participants: z.record(name, participant, { error: 'an object of name to participant' }).optional(),
  types: z
    .record(
      name,
      strict({
        ...version,
        display: display.optional(),
        earlier: z.array(strict(version)).max(32).optional(),
      }),
      {
        error: 'an object of type to its steps',
      },
    )
    .optional(),
  limits: z
    .record(
      matching(/^[A-Za-z0-9._~?*-]{1,128}$/, 'a pattern of A-Z a-z 0-9 . _ ~ - with * and ?'),
      strict({ concurrency }),
      { error: 'an object of location pattern to limit' },
    )
    .optional(),
  api: strict({
    host: leaves['api.host'].optional(),
    port: leaves['api.port'].optional(),
    tokensFile: leaves['api.tokensFile'].optional(),
    sessionKey: leaves['api.sessionKey'].optional(),
    approvalMs: leaves['api.approvalMs'].optional(),
    label: leaves['api.label'].optional(),
    openId: openId.optional(),
  }).optional(),
  alerts: strict({
    inDoubtMs: milliseconds(1_000).optional(),
    webhooks: z.record(name, webhook, { error: 'an object of name to webhook' }).optional(),
  }).optional(),
  telemetry: strict({
    traces: strict({
      otlpUrl: leaves['telemetry.traces.otlpUrl'].optional(),
      ratio: leaves['telemetry.traces.ratio'].optional(),
      serviceName: leaves['telemetry.traces.serviceName'].optional(),
    }).optional(),
  }).optional(),
});

/** What `signalbox.config.ts` exports as its default. Every field is optional. */
export type SignalboxConfig = z.input<typeof configSchema>;
export type CheckedFile = z.output<typeof configSchema>;

/** Types the object and returns it: `export default defineConfig({ … })`. It is checked when Signalbox starts. */
export function defineConfig(config: SignalboxConfig): SignalboxConfig {
  return config;
}

function isHttpUrl(value: string): boolean {
  try {
    const url = new URL(value.replaceAll('{location}', 'x'));
    return (
      (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === ''
    );
  } catch {
    return false;
  }
}
