/** The API and the page of the demo: everything is open, on loopback only, and there is no worker in the process. */
import type { ApiDoors } from '../api/doors.ts';
import type { Lab } from '../api/lab.ts';
import { createApi, listen } from '../api/server.ts';
import type { Config } from '../config/config.ts';
import { configuredDisplay, configuredTypes } from '../config/types.ts';
import type { JsonValue } from '../core/answer.ts';
import { DEFAULT_SETTINGS } from '../engine/options.ts';
import { loadTelemetry } from './compose.ts';
import type { ApiLedger } from './compose-api.ts';

export interface DemoPageOptions
  extends ApiLedger,
    Pick<ApiDoors, 'world' | 'sender' | 'version' | 'onDefect'> {
  readonly config: Config;
  readonly port: number;
  readonly lab: Lab;
  /** Proof counters and processes. */
  readonly more: () => Readonly<Record<string, JsonValue>>;
}

export async function serveDemo(
  options: DemoPageOptions,
): Promise<{ readonly url: string; close(): Promise<unknown> }> {
  const { config, version, port, more } = options;
  const { Metrics } = await loadTelemetry();
  const api = createApi({
    ...options,
    types: configuredTypes(config),
    displayOf: configuredDisplay(config),
    dedupeWindowMs: DEFAULT_SETTINGS.dedupeWindowMs,
    worker: null,
    metrics: new Metrics(version),
    access: { kind: 'demo' },
    signIn: null,
    approvalMs: null,
    name: 'demo',
    topic: config.topic,
    group: config.group,
    more: () => ({ demo: more() }),
  });
  const url = await listen(api, { host: '127.0.0.1', port });
  return { url, close: () => api.close() };
}
