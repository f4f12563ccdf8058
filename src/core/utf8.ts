/** Strict UTF-8: from the bytes of a record to the text they stand for. */
import { isUtf8 } from 'node:buffer';
import { type ByteString, bytesOf } from './byte-string.ts';

/**
 * The text, or null when the bytes are not UTF-8 (overlong forms, encoded surrogates, cut sequences). A byte order
 * mark stays in the text. ASCII, nearly every record, is answered with the very string that was given.
 */
export function utf8Text(bytes: ByteString): string | null {
  // As UTF-8 each character from 0x80 takes two bytes, so equal lengths mean ASCII; counted without a copy.
  if (Buffer.byteLength(bytes) === bytes.length) return bytes;
  const buffer = bytesOf(bytes);
  return isUtf8(buffer) ? buffer.toString('utf8') : null;
}
