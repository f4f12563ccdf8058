/**
 * Which records above a watermark are completed, as a compact text that fits the metadata of a committed offset: so many
 * offsets open, so many completed, and so on, from the watermark up, as base64url of variable-length numbers.
 * CM1 What the text says is completed was given as completed; beyond `lengthMax` the rest is left out, and is repeated.
 */
import { SPAN_MAX } from './watermark.ts';

/** Brokers keep 4,096 bytes of metadata (offset.metadata.max.bytes). */
export const METADATA_LENGTH_MAX = 4_000;

/** First of the text: another version would be read as nothing completed. */
const VERSION = '1:';

/** `completed` ascending, all above `watermark`. Empty when there is none. */
export function completedText(
  watermark: number,
  completed: Iterable<number>,
  lengthMax: number = METADATA_LENGTH_MAX,
): string {
  const bytes: number[] = [];
  const bytesMax = Math.floor(((lengthMax - VERSION.length) * 3) / 4) - 16;
  let from = watermark;
  let start = -1;
  let end = -1;
  for (const offset of completed) {
    if (offset === end) {
      end += 1;
      continue;
    }
    if (start >= 0) from = append(bytes, from, start, end);
    if (bytes.length >= bytesMax) return text(bytes);
    start = offset;
    end = offset + 1;
  }
  if (start >= 0) append(bytes, from, start, end);
  return text(bytes);
}

/** What a text says is completed, to be asked in ascending order of offsets. */
export class CompletedMap {
  /** Ends of runs, alternating: open up to, completed up to, … */
  readonly #ends: readonly number[];
  #at = 0;

  /** Anything that is not such a text counts as nothing completed. */
  constructor(watermark: number, metadata: string) {
    this.#ends = ends(watermark, metadata);
  }

  /** Offsets it says are completed. */
  get size(): number {
    return this.#ends.reduce(
      (sum, end, place) => (place % 2 === 1 ? sum + end - (this.#ends[place - 1] ?? 0) : sum),
      0,
    );
  }

  has(offset: number): boolean {
    while (this.#at < this.#ends.length && (this.#ends[this.#at] ?? 0) <= offset) this.#at += 1;
    return this.#at % 2 === 1;
  }

  /** From `first` on, which is above all that was asked, ascending. At most so many as a watermark can hold: no more is ours. */
  *completedFrom(first: number): IterableIterator<number> {
    let left = SPAN_MAX;
    for (let place = this.#at | 1; place < this.#ends.length; place += 2) {
      const end = this.#ends[place] ?? 0;
      for (let offset = Math.max(first, this.#ends[place - 1] ?? 0); offset < end; offset += 1) {
        if (left-- === 0) return;
        yield offset;
      }
    }
  }
}

function append(bytes: number[], from: number, start: number, end: number): number {
  number(bytes, start - from);
  number(bytes, end - start);
  return end;
}

/** Seven bits a byte, the lowest first; by arithmetic, because offsets go beyond 32 bits. */
function number(bytes: number[], value: number): void {
  let left = value;
  while (left >= 128) {
    bytes.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
}

function text(bytes: readonly number[]): string {
  return bytes.length === 0 ? '' : VERSION + Buffer.from(bytes).toString('base64url');
}

function ends(watermark: number, metadata: string): number[] {
  if (!metadata.startsWith(VERSION)) return [];
  const found: number[] = [];
  let position = watermark;
  let value = 0;
  let scale = 1;
  for (const byte of Buffer.from(metadata.slice(VERSION.length), 'base64url')) {
    value += (byte % 128) * scale;
    if (!Number.isSafeInteger(position + value)) return [];
    if (byte >= 128) {
      scale *= 128;
      continue;
    }
    position += value;
    found.push(position);
    value = 0;
    scale = 1;
  }
  return found.length % 2 === 0 && scale === 1 ? found : [];
}
