/** Signatures of Standard Webhooks 1.0: HMAC-SHA256 over `<id>.<seconds>.<body>`, version v1. */
import { createHmac } from 'node:crypto';

export interface SignedParts {
  readonly id: string;
  /** Unix time in seconds of this attempt. */
  readonly seconds: number;
  readonly body: string;
}

/** Headers of one attempt. */
export function signedHeaders(key: Buffer, { id, seconds, body }: SignedParts): Record<string, string> {
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  };
}
