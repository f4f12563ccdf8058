/**
 * Reads the configuration of a process: file, then environment over it, then options of the command over both,
 * defaults below. Checks everything and reports every problem at once (SB-5002, final).
 */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEFAULT_SETTINGS } from '../engine/options.ts';
import type { ApiConfig, Config, KafkaConfig, ParticipantConfig, SaslConfig, TlsConfig } from './config.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { fileAlerts } from './file-alerts.ts';
import { fileTypes, unknownParticipants } from './file-types.ts';
import { ledgerUrls } from './ledger-urls.ts';
import { configurationError, found, type Problem, problemsOf } from './problems.ts';
import { type CheckedFile, configSchema, leaves } from './schema.ts';

const CONFIG_FILES = ['signalbox.config.ts', 'signalbox.config.js', 'signalbox.config.json'] as const;

export interface Scalars {
  readonly topic: string;
  readonly group: string;
  readonly directory: string;
  readonly partitions: number;
  readonly concurrency: number;
  readonly stepTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly dedupeWindowMs: number;
  readonly parkedMax: number;
  readonly quietMs: number;
  readonly logLevel: Config['logLevel'];
  readonly 'ledger.migrate': boolean;
  readonly 'results.create': boolean;
  readonly 'api.host': string;
  readonly 'api.port': number;
  readonly 'telemetry.traces.ratio': number;
  readonly 'telemetry.traces.serviceName': string;
}

export const DEFAULTS: Scalars = {
  topic: 'transactions',
  group: 'signalbox',
  directory: '.signalbox',
  partitions: 8,
  concurrency: 1,
  stepTimeoutMs: 30_000,
  sessionTimeoutMs: 45_000,
  drainTimeoutMs: 30_000,
  dedupeWindowMs: DEFAULT_SETTINGS.dedupeWindowMs,
  parkedMax: DEFAULT_SETTINGS.parkedMax,
  quietMs: DEFAULT_SETTINGS.quietMs,
  logLevel: 'info',
  'ledger.migrate': true,
  'results.create': true,
  'api.host': '127.0.0.1',
  'api.port': 7070,
  'telemetry.traces.ratio': 1,
  'telemetry.traces.serviceName': 'signalbox',
};

const SASL_FIELDS = ['mechanism', 'username', 'password', 'token', 'tokenFile'];

export interface LoadOptions {
  readonly environment: Environment;
  /** Folder that is searched for the file, and that relative paths are resolved from. */
  readonly folder: string;
  /** Path of the file (`--config`); `none` reads no file. Else SIGNALBOX_CONFIG, else the usual names in `folder`. */
  readonly file?: string | undefined;
  /** Options of the command by dotted path of the setting: they win. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly pid: number;
}

export interface GivenOptions extends Pick<LoadOptions, 'folder' | 'pid'> {
  /** Names of participants that are functions of this process: steps may name them, the configuration does not. */
  readonly inProcess: readonly string[];
  /** What the caller has found already. */
  readonly problems: readonly Problem[];
}

/** The configuration that a program gives itself: no file, no environment, no options. Throws SB-5002 (final). */
export function givenConfig(
  given: unknown,
  { inProcess, problems: before, ...options }: GivenOptions,
): Config {
  const problems = [...before];
  const checked = configSchema.safeParse(given);
  if (!checked.success) problems.push(...problemsOf(checked.error, given, ''));
  const file = checked.data ?? {};
  const environment = readEnvironment({});
  const settings = new Settings(file, 'createSignalbox', environment, new Map());
  const config = new Builder(settings, problems, { ...options, environment: {} }, inProcess).build(
    file,
    null,
  );
  if (problems.length > 0) throw configurationError(problems);
  return config;
}

export async function loadConfig(options: LoadOptions): Promise<Config> {
  const problems: Problem[] = [];
  const path = fileToRead(options, problems);
  const file = path === null ? {} : await readFile(path, problems);
  const environment = readEnvironment(options.environment);
  problems.push(...environment.problems);
  const commandLine = checkOptions(options.options ?? {}, problems);
  const settings = new Settings(file, path, environment, commandLine);
  const config = new Builder(settings, problems, options).build(file, path);
  if (problems.length > 0) throw configurationError(problems);
  return config;
}

function fileToRead({ file, folder, environment }: LoadOptions, problems: Problem[]): string | null {
  const named = file ?? (environment.SIGNALBOX_CONFIG || undefined);
  if (named === 'none') return null;
  if (named !== undefined) {
    const path = resolve(folder, named);
    if (existsSync(path)) return path;
    problems.push({
      field: file === undefined ? 'environment SIGNALBOX_CONFIG' : 'option --config',
      found: named,
      allowed: 'an existing file',
    });
    return null;
  }
  const name = CONFIG_FILES.find((each) => existsSync(resolve(folder, each)));
  return name === undefined ? null : resolve(folder, name);
}

async function readFile(path: string, problems: Problem[]): Promise<CheckedFile> {
  let raw: unknown;
  try {
    raw = path.endsWith('.json')
      ? JSON.parse(readFileSync(path, 'utf8'))
      : ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    problems.push({ field: path, found: `an error: ${String(error)}`, allowed: 'a file that can be loaded' });
    return {};
  }
  if (typeof raw !== 'object' || raw === null) {
    problems.push({ field: path, found: found('', raw), allowed: 'an object as the default export' });
    return {};
  }
  const checked = configSchema.safeParse(raw);
  if (checked.success) return checked.data;
  problems.push(...problemsOf(checked.error, raw, ''));
  return {};
}

function checkOptions(options: Readonly<Record<string, unknown>>, problems: Problem[]): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [setting, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const checked = leaves[setting as keyof typeof leaves].safeParse(value);
    if (checked.success) values.set(setting, checked.data);
    else problems.push(...problemsOf(checked.error, value, `option --${setting.split('.').at(-1)}`));
  }
  return values;
}

/** One value of a dotted path out of options, environment, file and defaults, in this order, with its source. */
class Settings {
  readonly sources: Record<string, string> = {};
  private readonly file: CheckedFile;
  private readonly path: string | null;
  private readonly environment: ReturnType<typeof readEnvironment>;
  private readonly options: ReadonlyMap<string, unknown>;

  constructor(
    file: CheckedFile,
    path: string | null,
    environment: ReturnType<typeof readEnvironment>,
    options: ReadonlyMap<string, unknown>,
  ) {
    this.file = file;
    this.path = path;
    this.environment = environment;
    this.options = options;
  }

  get<T>(setting: string, otherwise: T): T {
    const candidates: [unknown, string][] = [
      [this.options.get(setting), `option --${setting.split('.').at(-1)}`],
      [this.environment.values.get(setting), this.environment.sources.get(setting) ?? ''],
      [this.inFile(setting), this.path ?? ''],
    ];
    const [value, source] = candidates.find(([each]) => each !== undefined) ?? [otherwise, 'default'];
    this.sources[setting] = source;
    return value as T;
  }

  private inFile(setting: string): unknown {
    let value: unknown = this.file;
    for (const part of setting.split('.')) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = Reflect.get(value, part);
    }
    return value;
  }
}

/** Puts the checked parts together and finds what no single field can show. */
class Builder {
  private readonly settings: Settings;
  private readonly problems: Problem[];
  private readonly options: Pick<LoadOptions, 'folder' | 'pid' | 'environment'>;
  private readonly inProcess: readonly string[];

  constructor(
    settings: Settings,
    problems: Problem[],
    options: Pick<LoadOptions, 'folder' | 'pid' | 'environment'>,
    inProcess: readonly string[] = [],
  ) {
    this.settings = settings;
    this.problems = problems;
    this.options = options;
    this.inProcess = inProcess;
  }

  build(file: CheckedFile, path: string | null): Config {
    const { settings } = this;
    const stepTimeoutMs = this.scalar('stepTimeoutMs');
    const participants = this.participants(file);
    const types = fileTypes(file, stepTimeoutMs);
    const names = [...Object.keys(participants), ...this.inProcess];
    if (types !== null) this.problems.push(...unknownParticipants(types, names));
    return {
      file: path,
      topic: this.scalar('topic'),
      group: this.scalar('group'),
      worker: settings.get('worker', defaultWorker(this.options.pid)),
      directory: resolve(this.options.folder, this.scalar('directory')),
      kafka: this.kafka(),
      partitions: this.scalar('partitions'),
      ledger: {
        urls: ledgerUrls((setting) => settings.get(setting, null), this.problems),
        tls: this.tls('ledger'),
        migrate: this.scalar('ledger.migrate'),
      },
      createResults: this.scalar('results.create'),
      participants,
      types,
      concurrency: this.scalar('concurrency'),
      limits: Object.entries(file.limits ?? {}).map(([pattern, { concurrency }]) => ({
        pattern,
        concurrency,
      })),
      stepTimeoutMs,
      sessionTimeoutMs: this.scalar('sessionTimeoutMs'),
      drainTimeoutMs: this.scalar('drainTimeoutMs'),
      dedupeWindowMs: this.scalar('dedupeWindowMs'),
      parkedMax: this.scalar('parkedMax'),
      quietMs: this.scalar('quietMs'),
      api: this.api(file),
      logLevel: this.scalar('logLevel'),
      traces: {
        otlpUrl: settings.get<string | null>('telemetry.traces.otlpUrl', null),
        ratio: this.scalar('telemetry.traces.ratio'),
        serviceName: this.scalar('telemetry.traces.serviceName'),
      },
      alerts: fileAlerts(file, this.options.environment, this.problems),
      sources: settings.sources,
    };
  }

  private api(file: CheckedFile): ApiConfig {
    const { settings } = this;
    const { openId } = file.api ?? {};
    const { issuer, clientId, clientSecret = null, claim = 'groups' } = openId ?? {};
    const roles = {
      viewer: openId?.viewer ?? [],
      operator: openId?.operator ?? [],
      admin: openId?.admin ?? [],
    };
    return {
      host: this.scalar('api.host'),
      port: this.scalar('api.port'),
      tokensFile: this.path(settings.get<string | null>('api.tokensFile', null)),
      sessionKey: settings.get<string | null>('api.sessionKey', null),
      approvalMs: settings.get<number | null>('api.approvalMs', null),
      label: settings.get<string | null>('api.label', null),
      openId:
        issuer === undefined || clientId === undefined
          ? null
          : { issuer, clientId, clientSecret, claim, roles },
    };
  }

  private scalar<K extends keyof Scalars>(setting: K): Scalars[K] {
    return this.settings.get(setting, DEFAULTS[setting]);
  }

  private kafka(): KafkaConfig | null {
    const brokers = this.settings.get<readonly string[] | null>('kafka.brokers', null);
    return brokers === null ? null : { brokers, tls: this.tls('kafka'), sasl: this.sasl() };
  }

  private sasl(): SaslConfig | null {
    const get = (field: string) => this.settings.get<string | null>(`kafka.sasl.${field}`, null);
    const [mechanism, username, password, token, tokenFile] = SASL_FIELDS.map(get);
    if (mechanism === null || mechanism === undefined) {
      if (username || password || token || tokenFile)
        this.missing('kafka.sasl.mechanism', 'a mechanism beside the credentials');
      return null;
    }
    if (mechanism === 'OAUTHBEARER') {
      if (!token && !tokenFile) this.missing('kafka.sasl.token', 'a token or a tokenFile with OAUTHBEARER');
      return { mechanism, token: token ?? null, tokenFile: this.path(tokenFile ?? null) };
    }
    if (!username) this.missing('kafka.sasl.username', `a user with ${mechanism}`);
    if (!password) this.missing('kafka.sasl.password', `a password with ${mechanism}`);
    return {
      mechanism: mechanism as Exclude<SaslConfig['mechanism'], 'OAUTHBEARER'>,
      username: username ?? '',
      password: password ?? '',
    };
  }

  private tls(area: 'kafka' | 'ledger'): TlsConfig | null {
    const get = <T>(field: string) => this.settings.get<T | null>(`${area}.tls.${field}`, null);
    const files = { ca: get<string>('caFile'), cert: get<string>('certFile'), key: get<string>('keyFile') };
    const verify = get<boolean>('verify');
    const on = this.settings.get<unknown>(`${area}.tls`, null);
    const wanted =
      on === null ? Object.values(files).some((file) => file !== null) || verify !== null : on !== false;
    if (!wanted) return null;
    return {
      ca: this.pem(`${area}.tls.caFile`, files.ca),
      cert: this.pem(`${area}.tls.certFile`, files.cert),
      key: this.pem(`${area}.tls.keyFile`, files.key),
      verify: verify ?? true,
    };
  }

  private pem(field: string, file: string | null): string | null {
    if (file === null) return null;
    try {
      return readFileSync(resolve(this.options.folder, file), 'utf8');
    } catch (error) {
      this.problems.push({
        field,
        found: `${file} (${(error as Error).message})`,
        allowed: 'a file that can be read',
      });
      return null;
    }
  }

  private participants(file: CheckedFile): Record<string, ParticipantConfig> {
    const result: Record<string, ParticipantConfig> = {};
    for (const [name, { url, headers, grade }] of Object.entries(file.participants ?? {})) {
      result[name] = { url, headers: headers ?? {}, grade: grade ?? null };
      this.settings.get(`participants.${name}.url`, url);
    }
    const url = this.settings.get<string | null>('participants.default.url', null);
    if (url !== null) {
      const checked = configSchema.shape.participants.safeParse({ default: { url } });
      if (!checked.success) {
        const field = this.settings.sources['participants.default.url'] ?? 'participants.default.url';
        this.problems.push({
          field,
          found: found(field, url),
          allowed: 'an http:// or https:// URL; it may hold {location}',
        });
      }
      const { headers = {}, grade = null } = result.default ?? {};
      result.default = { url, headers, grade };
    }
    return result;
  }

  private path(file: string | null): string | null {
    return file === null ? null : resolve(this.options.folder, file);
  }

  private missing(field: string, allowed: string): void {
    this.problems.push({ field, found: 'nothing', allowed });
  }
}

/** `<host>-<pid>` in the characters a worker name may have. */
export function defaultWorker(pid: number): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9._~-]/g, '-')
    .slice(0, 48);
  return `${host}-${pid}`;
}
