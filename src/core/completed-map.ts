/**
 * Which records above a watermark are completed, as a compact text that fits the metadata of a committed offset: so many
 * offsets open, so many completed, and so on, from the watermark up, as base64url of variable-length numbers.
 * CM1 What the text says is completed was given as completed; beyond `lengthMax` the rest is left out, and is repeated.
 */
import type { Run } from './watermark.ts';

/** Brokers keep 4,096 bytes of metadata (offset.metadata.max.bytes). */
export const METADATA_LENGTH_MAX = 4_000;

/** First of the text: another version would be read as nothing completed. */
const VERSION = '1:';

/** Runs of what is completed, ascending, none below `watermark`. Empty when there is none. */
export function completedText(
  watermark: number,
  completed: Iterable<Run>,
  lengthMax: number = METADATA_LENGTH_MAX,
): string {
  const bytes: number[] = [];
  const bytesMax = Math.floor(((lengthMax - VERSION.length) * 3) / 4) - 16;
  let position = watermark;
  for (const [from, upTo] of completed) {
    if (bytes.length >= bytesMax) break;
    number(bytes, from - position);
    number(bytes, upTo - from);
    position = upTo;
  }
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

  /** Runs of it from `first` on, which is above all that was asked, ascending. */
  *runsFrom(first: number): IterableIterator<Run> {
    for (let place = this.#at | 1; place < this.#ends.length; place += 2) {
      const from = Math.max(first, this.#ends[place - 1] ?? 0);
      const upTo = this.#ends[place] ?? 0;
      if (from < upTo) yield [from, upTo];
    }
  }
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
