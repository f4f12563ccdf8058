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

const NONE: RecordHeaders = { traceparent: null, mode: 'plain', attributes: new Map() };

export function readHeaders(headers: readonly RecordHeader[]): RecordHeaders {
  if (headers.length === 0) return NONE;
  let traceparent: string | null = null;
  let structured = false;
  const attributes = new Map<string, string>();
  for (const { name, value } of headers) {
    if (value === null) continue;
    if (name === 'traceparent') traceparent = parseTraceparent(value.toString('latin1'));
    else if (name === 'content-type')
      structured = /^application\/cloudevents/i.test(value.toString('latin1'));
    else if (name.startsWith('ce_')) attributes.set(name.slice('ce_'.length), value.toString('utf8'));
  }
  // A producer in structured mode may repeat the attributes as headers; the content type decides.
  if (structured) return { traceparent, mode: 'structured', attributes: NONE.attributes };
  return { traceparent, mode: attributes.size > 0 ? 'binary' : 'plain', attributes };
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * W3C Trace Context, or null when ill-formed. Of a version newer than 00 the four fields we know are handed on as
 * version 00, as the standard asks.
 */
export function parseTraceparent(text: string): string | null {
  const match = TRACEPARENT.exec(text);
  if (match === null) return null;
  const [, version, trace, parent, rest] = match;
  if (version === 'ff' || trace === '0'.repeat(32) || parent === '0'.repeat(16)) return null;
  if (version === '00') return rest === undefined ? text : null;
  return `00${text.slice(2, 55)}`;
}
