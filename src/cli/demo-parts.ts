/** The processes of the demo: simulated site, workers, and the broker of `--kafka`. */
import { writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { DemoChild } from '../demo/child.ts';
import { freePort } from '../demo/free-port.ts';
import { LocalBroker } from '../demo/local-broker.ts';
import type { SiteFacts } from '../demo/proof.ts';
import type { World } from '../engine/ports.ts';
import type { DemoFolder } from './demo-folder.ts';

export interface PartOptions {
  readonly world: World;
  readonly folder: DemoFolder;
  readonly onEvent: (text: string) => void;
}

/** Calls that take longer are in doubt; the slow ones of the site do. */
const STEP_TIMEOUT_MS = 3_000;
/** Short, so that a killed worker's partitions are soon with the other one. */
const SESSION_TIMEOUT_MS = 6_000;
const RESTART_MS = 3_000;
const SITE_RESTART_MS = 1_000;
const SITE_ANSWER_MS = 2_000;
/** The site replays its journal at start; a demo of days has a long one. */
const SITE_READY_MS_MAX = 60_000;

/** Dispensers of 50 to 800 ms; a few refusals, lost answers and requests, some slower than the step time-out. */
const BEHAVIOUR = [
  ['--delay-ms', '50-800'],
  ['--slow-ms', '4000-6000'],
  ['--refusal-rate', '0.02'],
  ['--lost-answer-rate', '0.01'],
  ['--lost-request-rate', '0.005'],
  ['--slow-rate', '0.002'],
  ['--seed', 'demo'],
].flat();

export interface StartedSite {
  readonly child: DemoChild;
  readonly url: string;
  /** Resolves when it listens; rejects when it does not come up. */
  readonly ready: Promise<void>;
}

export async function startSite({ world, folder, onEvent }: PartOptions): Promise<StartedSite> {
  const port = await freePort();
  const ready = Promise.withResolvers<void>();
  const logFile = folder.path('logs', 'site.log');
  const child = new DemoChild({
    name: 'site',
    world,
    module: moduleAt('..', 'demo', 'guarded'),
    args: [
      moduleAt('..', 'site', 'main'),
      '--directory',
      folder.path('site'),
      '--port',
      `${port}`,
      ...BEHAVIOUR,
    ],
    env: cleanEnvironment(),
    logFile,
    restartMs: SITE_RESTART_MS,
    onEvent,
    onLine: (line) => {
      if (line.includes('"ready":true')) ready.resolve();
    },
  });
  const timer = world.after(SITE_READY_MS_MAX, () => {
    ready.reject(new Error(`the site did not start; see ${logFile}`));
  });
  return { child, url: `http://127.0.0.1:${port}`, ready: ready.promise.finally(() => timer.cancel()) };
}

export interface WorkerOptions extends PartOptions {
  readonly name: string;
  readonly config: Config;
  readonly databaseUrl: string;
  readonly siteUrl: string;
}

export function startWorker({
  world,
  folder,
  onEvent,
  name,
  config,
  databaseUrl,
  siteUrl,
}: WorkerOptions): DemoChild {
  return new DemoChild({
    name,
    world,
    module: moduleAt('..', 'demo', 'guarded'),
    args: [moduleAt('main'), 'run', '--config', configFile(folder, siteUrl)],
    env: {
      ...cleanEnvironment(),
      SIGNALBOX_DIR: folder.directory,
      DATABASE_URL: databaseUrl,
      SIGNALBOX_WORKER: name,
      SIGNALBOX_TOPIC: config.topic,
      SIGNALBOX_GROUP: config.group,
      SIGNALBOX_PARTITIONS: `${config.partitions}`,
      SIGNALBOX_PARTICIPANT_URL: siteUrl,
      SIGNALBOX_STEP_TIMEOUT_MS: `${STEP_TIMEOUT_MS}`,
      SIGNALBOX_SESSION_TIMEOUT_MS: `${SESSION_TIMEOUT_MS}`,
      SIGNALBOX_DRAIN_TIMEOUT_MS: `${config.drainTimeoutMs}`,
      KAFKA_BROKERS: config.kafka?.brokers.join(','),
      PORT: '0',
    },
    logFile: folder.path('logs', `${name}.log`),
    restartMs: RESTART_MS,
    onEvent,
  });
}

/** Dispensers keep to all of the contract; the kiosks are old, and can neither be asked nor fenced. */
function configFile(folder: DemoFolder, siteUrl: string): string {
  const path = folder.path('demo.config.json');
  const apply = { steps: [{ name: 'apply' }] };
  const config = {
    participants: { default: { url: siteUrl }, kiosk: { url: siteUrl, grade: 'G0' } },
    types: { withdraw: apply, deposit: apply, pay: { steps: [{ name: 'pay', participant: 'kiosk' }] } },
  };
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

/** Changes the faults in force at the site. */
export async function changeSite(url: string, change: object): Promise<void> {
  const signal = AbortSignal.timeout(SITE_ANSWER_MS);
  const answer = await fetch(`${url}/site/faults`, { method: 'POST', body: JSON.stringify(change), signal });
  if (!answer.ok) throw new Error(`the site answers ${answer.status}: ${await answer.text()}`);
}

/** What its own journal counts. */
export async function siteFacts(url: string): Promise<SiteFacts> {
  const answer = await fetch(`${url}/site/counters`, { signal: AbortSignal.timeout(SITE_ANSWER_MS) });
  return (await answer.json()) as SiteFacts;
}

/** Throws SB-3014: no Java 17, no Maven, or it does not come up. */
export async function startBroker(
  folder: DemoFolder,
  onProgress: (text: string) => void,
): Promise<LocalBroker> {
  return await LocalBroker.start({ directory: folder.path('kafka'), onProgress });
}

/** Names of the settings that a demo takes from its own, never from the environment around it. */
const SETTINGS = /^(SIGNALBOX_|KAFKA_|DATABASE_|PORT$|npm_)/;

export function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SETTINGS.test(name)));
}

/** A module of ours as it runs here: .ts from the sources, .js from dist/. */
function moduleAt(...path: readonly string[]): string {
  return join(import.meta.dirname, ...path) + extname(import.meta.filename);
}
