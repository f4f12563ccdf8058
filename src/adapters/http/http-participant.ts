/**
 * A participant behind HTTP (docs/reference/participant.md): one POST a call, one answer or `unknown`.
 * Owns a pool of kept-alive connections for each origin; never retries, follows no redirect.
 * H1 every method resolves with an Answer; it never throws.
 * H2 a call writes at most one request, and none once it is settled.
 * H3 only status 200 with a body of the contract is an answer; all else is `unknown` SB-4101 … SB-4105, SB-4111.
 * H4 a configured header value appears in no detail.
 */
import { isUtf8 } from 'node:buffer';
import { type Dispatcher, Pool } from 'undici';
import type { Answer, CallKind } from '../../core/answer.ts';
import { classify } from '../../core/classify.ts';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { storableText } from '../../core/storable-text.ts';
import type { Capabilities, Participant, StepCall, World } from '../../engine/ports.ts';
import { parseCapabilities } from './capabilities.ts';
import { Endpoint, type Target } from './endpoint.ts';
import { Exchange, type Exchanged, reasonOf } from './exchange.ts';

/** The largest answer of the contract (contract 7): evidence is a receipt. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** End of the year 9999, the last that RFC 3339 can write; a later not-after is as good as none. */
const NOT_AFTER_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/**
 * A location that does not answer keeps one connection for its whole step time-out, so this is how many may hang
 * before the others of the same origin wait: 1,024, at about 30 KiB each, is below a tenth of a worker's 400 MB.
 */
const CONNECTIONS_MAX = 1_024;
/** A handshake that takes longer than this does not come to an end; the call's own deadline holds besides. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Below the keep-alive time of common servers (Node 5 s), so that the server does not close first. */
const KEEP_ALIVE_MS = 4_000;
/** Pools kept for templates with a host per location: the one unused for the longest is closed beyond it. */
const ORIGINS_MAX = 4_096;
const CAPABILITIES_TIMEOUT_MS = 5_000;
const CAPABILITIES_CACHED_MS = 60_000;
/** Enough of a problem text for a person to understand it. */
const DETAIL_CHARACTERS_MAX = 300;

/** Headers that are ours or the connection's: a configured header must not be one of them. */
const OWN_HEADERS =
  /^(idempotency-key|signalbox-.*|traceparent|content-type|content-length|host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|accept-encoding)$/i;

export interface HttpParticipantOptions {
  /** `https://gateway.internal/atm`, or with a hole: `http://{location}.dispensers.internal:8080`. */
  readonly endpoint: string;
  /** Sent with every request (authorization); values are never logged. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Connections to one origin at once; calls beyond wait within their deadline. Default 1,024. */
  readonly connectionsMax?: number;
  /** PEM texts for https: own authorities, client certificate. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Controllers whose capabilities are kept: as many as a large network has, some MB. */
const CAPABILITIES_MAX = 20_000;

interface Known {
  readonly value: Capabilities | 'none';
  readonly untilMs: number;
}

export class HttpParticipant implements Participant {
  readonly #world: World;
  readonly #endpoint: Endpoint;
  readonly #options: HttpParticipantOptions;
  /** Flat name, value list, as undici takes it without a copy. */
  readonly #headers: string[];
  readonly #secrets: readonly string[];
  /** In order of last use. */
  readonly #pools = new Map<string, Pool>();
  /** By target, the one asked longest ago first. */
  readonly #capabilities = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<Capabilities | 'none' | 'away'>>();
  #closed = false;

  /** Throws SB-5002 for an endpoint or header that cannot be used. */
  constructor(world: World, options: HttpParticipantOptions) {
    this.#world = world;
    this.#options = options;
    this.#endpoint = new Endpoint(options.endpoint);
    const given = Object.entries(options.headers ?? {});
    for (const [name, value] of given) checkHeader(name, value);
    this.#headers = ['content-type', 'application/json', 'accept', 'application/json', ...given.flat()];
    this.#secrets = given
      .flatMap(([, value]) => [value, ...value.split(' ')])
      .filter((text) => text.length >= 4);
  }

  execute(call: StepCall): Promise<Answer> {
    return this.#call('execute', call);
  }

  status(call: StepCall): Promise<Answer> {
    return this.#call('status', call);
  }

  reverse(call: StepCall): Promise<Answer> {
    return this.#call('reverse', call);
  }

  /**
   * Asked of the endpoint of the location and kept for 60 s. While the participant is out of reach the last answer
   * stays: an outage does not change what a controller can do.
   */
  capabilities(location: string): Promise<Capabilities | 'none' | 'away'> {
    const target = this.#endpoint.of(location);
    if (target === null || this.#closed) return Promise.resolve('away');
    const key = `${target.origin}${target.path}`;
    const known = this.#capabilities.get(key);
    if (known !== undefined && this.#world.monotonic() < known.untilMs) return Promise.resolve(known.value);
    const asking = this.#asking.get(key) ?? this.#askCapabilities(target, key);
    this.#asking.set(key, asking);
    return asking.finally(() => this.#asking.delete(key));
  }

  /** Ends idle connections and aborts what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  async #call(kind: CallKind, call: StepCall): Promise<Answer> {
    try {
      const target = this.#endpoint.of(call.location);
      if (target === null) return unknown('SB-4102', `no endpoint for location ${call.location}`);
      const path = `${target.path}/v1/steps/${call.key}/${kind}`;
      const request = {
        path,
        method: 'POST',
        headers: this.#headersOf(kind, call),
        body: bodyOf(call),
      } as const;
      const { timeoutMs, signal } = call;
      const exchanged = await this.#exchange(target, { request, timeoutMs, signal });
      return this.#answer(kind, exchanged);
    } catch (error) {
      return unknown('SB-4102', this.#clean(reasonOf(error)));
    }
  }

  #headersOf(kind: CallKind, call: StepCall): string[] {
    const headers = [
      ...this.#headers,
      'idempotency-key',
      call.key,
      'signalbox-location',
      call.location,
      'signalbox-slot',
      String(call.slot),
      'signalbox-token',
      call.token,
    ];
    if (kind === 'execute') {
      headers.push(
        'signalbox-not-after',
        new Date(Math.min(call.notAfterMs, NOT_AFTER_MS_MAX)).toISOString(),
      );
    }
    if (call.traceparent !== null) headers.push('traceparent', call.traceparent);
    return headers;
  }

  #exchange(
    target: Target,
    {
      request,
      timeoutMs,
      signal,
    }: { request: Dispatcher.DispatchOptions; timeoutMs: number; signal: AbortSignal | null },
  ): Promise<Exchanged> {
    if (this.#closed || signal?.aborted === true) {
      return Promise.resolve({ status: null, code: 'SB-4101', detail: 'given up before it was sent' });
    }
    return new Promise((resolve) => {
      const abort = () => exchange.giveUp('SB-4101', 'given up: nobody waits any more');
      const exchange = new Exchange(ANSWER_BYTES_MAX, (exchanged) => {
        deadline.cancel();
        signal?.removeEventListener('abort', abort);
        resolve(exchanged);
      });
      const deadline = this.#world.after(timeoutMs, () => {
        exchange.giveUp('SB-4101', `no whole answer within ${timeoutMs} ms`);
      });
      signal?.addEventListener('abort', abort);
      try {
        this.#poolOf(target.origin).dispatch(request, exchange);
      } catch (error) {
        exchange.giveUp('SB-4102', reasonOf(error));
      }
    });
  }

  #answer(kind: CallKind, exchanged: Exchanged): Answer {
    if (exchanged.status === null) return unknown(exchanged.code, this.#clean(exchanged.detail));
    if (exchanged.status !== 200) {
      return unknown('SB-4103', this.#clean(`status ${exchanged.status}${problemText(exchanged.body)}`));
    }
    const body = jsonOf(exchanged.body);
    if (body === undefined) return unknown('SB-4104', 'the body is not JSON');
    return classify(kind, body);
  }

  async #askCapabilities(target: Target, key: string): Promise<Capabilities | 'none' | 'away'> {
    const request = {
      path: `${target.path}/v1/capabilities`,
      method: 'GET',
      headers: this.#headers,
    } as const;
    const timeoutMs = CAPABILITIES_TIMEOUT_MS;
    const exchanged = await this.#exchange(target, { request, timeoutMs, signal: null });
    const answered = exchanged.status !== null && exchanged.status < 500;
    if (!answered) return this.#capabilities.get(key)?.value ?? 'away';
    const parsed = exchanged.status === 200 ? parseCapabilities(jsonOf(exchanged.body)) : null;
    const value = parsed ?? 'none';
    this.#capabilities.delete(key);
    this.#capabilities.set(key, { value, untilMs: this.#world.monotonic() + CAPABILITIES_CACHED_MS });
    const [oldest] = this.#capabilities.keys();
    if (this.#capabilities.size > CAPABILITIES_MAX && oldest !== undefined) this.#capabilities.delete(oldest);
    return value;
  }

  #poolOf(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known !== undefined && this.#pools.size === 1) return known;
    if (known !== undefined) this.#pools.delete(origin);
    const pool = known ?? this.#newPool(origin);
    this.#pools.set(origin, pool);
    if (this.#pools.size > ORIGINS_MAX) this.#dropOldestPool();
    return pool;
  }

  #newPool(origin: string): Pool {
    return new Pool(origin, {
      connections: this.#options.connectionsMax ?? CONNECTIONS_MAX,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The deadline of the call covers headers and body.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...this.#options.tls },
    });
  }

  #dropOldestPool(): void {
    for (const [origin, pool] of this.#pools) {
      this.#pools.delete(origin);
      // Waits for calls under way; their own deadlines end them.
      pool.close().catch(() => undefined);
      return;
    }
  }

  #clean(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '***');
    return storableText(clean, DETAIL_CHARACTERS_MAX);
  }
}

function checkHeader(name: string, value: string): void {
  if (
    OWN_HEADERS.test(name) ||
    !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ||
    /[^\t\x20-\x7e\x80-\xff]/.test(value)
  ) {
    throw new SignalboxError('SB-5002', `participant header ${name}`, { final: true });
  }
}

function bodyOf({ transaction, type, step, location, data, evidence }: StepCall): string {
  return JSON.stringify({ transaction, type, step, location, data, evidence });
}

function unknown(code: ErrorCode, detail: string): Answer {
  return { outcome: 'unknown', code, detail };
}

/** `undefined` when it is not JSON in strict UTF-8. */
function jsonOf(body: Buffer): unknown {
  if (!isUtf8(body)) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** `: title, detail` of a problem+json body (RFC 9457); other bodies say nothing to a person. */
function problemText(body: Buffer): string {
  const problem = jsonOf(body);
  if (typeof problem !== 'object' || problem === null) return '';
  const { title, detail } = problem as { title?: unknown; detail?: unknown };
  const texts = [title, detail].filter((text) => typeof text === 'string');
  return texts.length === 0 ? '' : `: ${texts.join(', ')}`;
}
