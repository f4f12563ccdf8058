/**
 * One HTTP exchange: a request sent at most once, and the whole answer or the reason why there is none.
 * It is `waiting` until exactly one of answer, failure, deadline or abort settles it, and settled for good then.
 * X1 settled before the request was written: it is never written.
 * X2 settled while under way: the connection is destroyed, its rest is not read.
 * X3 never more than `bodyBytesMax` of an answer is kept.
 */
import type { Dispatcher } from 'undici';
import type { ErrorCode } from '../../core/errors/catalogue.ts';

export type Exchanged =
  | { readonly status: number; readonly body: Buffer }
  | { readonly status: null; readonly code: ErrorCode; readonly detail: string };

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #settle: (exchanged: Exchanged) => void;
  readonly #bodyBytesMax: number;
  #settled = false;
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bodyBytesMax: number, settle: (exchanged: Exchanged) => void) {
    this.#bodyBytesMax = bodyBytesMax;
    this.#settle = settle;
  }

  /** Gives up: deadline or abort. Does nothing when it is settled. */
  giveUp(code: ErrorCode, detail: string): void {
    this.#end({ status: null, code, detail });
    this.#abort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) this.#abort();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bodyBytesMax) {
      this.giveUp('SB-4105', `status ${this.#status}, more than ${this.#bodyBytesMax} bytes`);
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#end({ status: this.#status, body: body ?? Buffer.alloc(0) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ status: null, code: 'SB-4102', detail: reasonOf(error) });
  }

  #end(exchanged: Exchanged): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle(exchanged);
  }

  #abort(): void {
    if (this.#controller !== null && !this.#controller.aborted) this.#controller.abort(new Error('given up'));
  }
}

/** A short text for people. Messages of connection errors hold addresses, never headers or bodies. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 200);
  const code = (error as { code?: unknown }).code;
  const text =
    typeof code === 'string' && !error.message.includes(code) ? `${code}: ${error.message}` : error.message;
  return text.slice(0, 200);
}
