/**
 * What the headers of a record say: the trace it belongs to, and whether it is a CloudEvent (CloudEvents 1.0,
 * Kafka protocol binding) in structured mode, where the value is the event, or in binary mode, where the headers are.
 */

export interface RecordHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

export interface RecordHeaders {
  readonly traceparent: string | null;
  readonly mode: 'plain' | 'structured' | 'binary';
  /** Attributes of a CloudEvent in binary mode by name, without `ce_`; of one given twice the last counts. */
  readonly attributes: ReadonlyMap<string, string>;
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const NONE: RecordHeaders = { traceparent: null, mode: 'plain', attributes: NO_ATTRIBUTES };

export function readHeaders(headers: readonly RecordHeader[]): RecordHeaders {
  if (headers.length === 0) return NONE;
  let traceparent: string | null = null;
  let structured = false;
  let attributes: Map<string, string> | null = null;
  for (const { name, value } of headers) {
    if (value === null) continue;
    if (name === 'traceparent') traceparent = parseTraceparent(value.toString('latin1'));
    else if (name === 'content-type') structured = CLOUDEVENTS.test(value.toString('latin1'));
    else if (name.startsWith(PREFIX)) {
      attributes ??= new Map();
      attributes.set(name.slice(PREFIX.length), value.toString('utf8'));
    }
  }
  // A producer in structured mode may repeat the attributes as headers; the content type decides.
  if (structured) return { traceparent, mode: 'structured', attributes: NO_ATTRIBUTES };
  if (attributes !== null) return { traceparent, mode: 'binary', attributes };
  return { traceparent, mode: 'plain', attributes: NO_ATTRIBUTES };
}

const PREFIX = 'ce_';
const CLOUDEVENTS = /^application\/cloudevents/i;

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_PARENT = '0'.repeat(16);
/** Characters of the four fields of version 00. */
const TRACEPARENT_LENGTH = 55;

/**
 * W3C Trace Context, or null when ill-formed. Of a version newer than 00 the four fields we know are handed on as
 * version 00, as the standard asks.
 */
export function parseTraceparent(text: string): string | null {
  if (!TRACEPARENT.test(text)) return null;
  if (text.slice(3, 35) === NO_TRACE || text.slice(36, 52) === NO_PARENT) return null;
  const version = text.slice(0, 2);
  if (version === '00') return text.length === TRACEPARENT_LENGTH ? text : null;
  return version === 'ff' ? null : `00${text.slice(2, TRACEPARENT_LENGTH)}`;
}
