/**
 * Keys as text. One seen lately is not decoded again, and is the same string, so that maps find it by its identity.
 * KC1 Exact: bytes are compared, a hash only says where to look. Bounded: a newer key takes the place of an older one.
 * KC2 Bytes that are no UTF-8 are read as Latin-1, one character a byte: different ones stay different.
 */
import { isUtf8 } from 'node:buffer';

/** A power of two; ten times the keys that a process usually has at work. With their bytes 2 MiB. */
const PLACES = 16_384;
/** Longer keys are decoded each time. */
const LENGTH_MAX = 64;
/** FNV-1a. */
const HASH_FIRST = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

export class KeyCache {
  readonly #texts = new Array<string | null>(PLACES).fill(null);
  readonly #lengths = new Uint8Array(PLACES);
  readonly #bytes = new Uint8Array(PLACES * LENGTH_MAX);

  text(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length > LENGTH_MAX) return textOf(bytes, from, to);
    let hash = HASH_FIRST;
    for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), HASH_PRIME);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#texts[place] ?? null;
    if (known !== null && this.#holds(place, bytes, from, length)) return known;
    const text = textOf(bytes, from, to);
    this.#texts[place] = text;
    this.#lengths[place] = length;
    this.#bytes.set(bytes.subarray(from, to), place * LENGTH_MAX);
    return text;
  }

  #holds(place: number, bytes: Buffer, from: number, length: number): boolean {
    if (this.#lengths[place] !== length) return false;
    const own = this.#bytes;
    const start = place * LENGTH_MAX;
    for (let at = 0; at < length; at += 1) if (own[start + at] !== bytes[from + at]) return false;
    return true;
  }
}

/** What stands for bytes that are no UTF-8, and for itself. */
const REPLACEMENT = '\uFFFD';

function textOf(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from, to);
  if (!text.includes(REPLACEMENT) || isUtf8(bytes.subarray(from, to))) return text;
  return bytes.toString('latin1', from, to);
}
