/**
 * Webhooks over HTTP, signed by Standard Webhooks.
 *
 * WS1 Requests go to the configured URLs and nowhere else: a redirect is a failure.
 * WS2 An attempt has one time for all of it, and of an answer only the status and Retry-After count: its body is
 *     thrown away.
 * WS3 Neither secret nor path of a URL (some receivers keep a key in it) stands in what is told of a failure.
 */
import { Agent, request } from 'undici';
import type { World } from '../../engine/ports.ts';
import type { AlertSender, Sent } from '../../engine/ports-alerts.ts';
import { signedHeaders } from './signature.ts';

export interface Webhook {
  readonly url: string;
  /** The bytes behind `whsec_`. */
  readonly key: Buffer;
}

const ATTEMPT_MS = 10_000;
const CONNECT_MS = 5_000;
/** A receiver is one machine of a few people. */
const CONNECTIONS_MAX = 4;
const BODY_BYTES_MAX = 16 * 1024;
const USER_AGENT = 'signalbox';

export class WebhookSender implements AlertSender {
  readonly #webhooks: ReadonlyMap<string, Webhook>;
  readonly #world: World;
  readonly #agent = new Agent({ connections: CONNECTIONS_MAX, connect: { timeout: CONNECT_MS } });

  constructor(webhooks: ReadonlyMap<string, Webhook>, world: World) {
    this.#webhooks = webhooks;
    this.#world = world;
  }

  async send({ id, webhook, body }: Parameters<AlertSender['send']>[0]): Promise<Sent> {
    const to = this.#webhooks.get(webhook);
    if (to === undefined) return { taken: false, detail: 'not configured here', retryMs: null };
    const seconds = Math.floor(this.#world.now() / 1_000);
    try {
      const answer = await request(to.url, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': USER_AGENT,
          ...signedHeaders(to.key, { id, seconds, body }),
        },
        body,
        signal: AbortSignal.timeout(ATTEMPT_MS),
      });
      await answer.body.dump({ limit: BODY_BYTES_MAX });
      const { statusCode: status } = answer;
      if (status >= 200 && status < 300) return { taken: true };
      const redirect = status >= 300 && status < 400 ? ', and redirects are not followed' : '';
      return {
        taken: false,
        detail: `status ${status}${redirect}`,
        retryMs: waitOf(answer.headers['retry-after']),
      };
    } catch (error) {
      return { taken: false, detail: reasonOf(error), retryMs: null };
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** Retry-After in seconds; a date is left to our own back-off. */
function waitOf(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}

/** WS3: the code of a failure; its message may name the URL. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return `no answer within ${ATTEMPT_MS / 1_000} s`;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
