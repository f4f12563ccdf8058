/** The alerts of a configuration file; the secrets of its webhooks come from the environment. */
import { ALERT_KINDS } from '../engine/ports-alerts.ts';
import type { AlertsConfig, WebhookConfig } from './config.ts';
import type { Problem } from './problems.ts';
import type { CheckedFile } from './schema.ts';

const DEFAULT_SECRET_ENV = 'SIGNALBOX_WEBHOOK_SECRET';
const IN_DOUBT_MS = 300_000;
/** Of Standard Webhooks. */
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

export function fileAlerts(
  file: CheckedFile,
  environment: Readonly<Record<string, string | undefined>>,
  problems: Problem[],
): AlertsConfig {
  const { webhooks = {}, inDoubtMs = IN_DOUBT_MS } = file.alerts ?? {};
  const given = Object.entries(webhooks).flatMap(([name, { url, secretEnv = DEFAULT_SECRET_ENV, kinds }]) => {
    const key = keyOf(environment[secretEnv]?.trim() ?? '');
    if (key !== null) return [{ name, url, key, kinds: kinds ?? ALERT_KINDS } satisfies WebhookConfig];
    problems.push({
      field: `alerts.webhooks.${name}.secretEnv`,
      found: environment[secretEnv] === undefined ? `nothing in ${secretEnv}` : 'a value that is not shown',
      allowed: `in ${secretEnv} a text of whsec_ and ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes in base64`,
    });
    return [];
  });
  return { webhooks: given, inDoubtMs };
}

function keyOf(secret: string): Buffer | null {
  const [, text] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  const key = Buffer.from(text ?? '', 'base64');
  return key.length >= KEY_BYTES_MIN && key.length <= KEY_BYTES_MAX ? key : null;
}
