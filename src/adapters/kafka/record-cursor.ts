/**
 * Reads the varints of record format 2, the hot loop of fetching: about five a record. Past the end it reads
 * zeros; the caller checks each record against the end of its batch.
 */
export class RecordCursor {
  readonly #bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  /** Zigzag, 32 bits. */
  varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.position++] as number;
    let raw = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift <= 28; shift += 7) {
      byte = bytes[this.position++] as number;
      raw |= (byte & 0x7f) << shift;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Zigzag, 64 bits, as a number: exact below 2^53. */
  varlong(): number {
    const start = this.position;
    const bytes = this.#bytes;
    const first = bytes[start] as number;
    // Differences of timestamps within a batch mostly fit four bytes.
    if (!(first >= 0x80)) return this.varint();
    let raw = 0n;
    for (let shift = 0n; shift <= 63n; shift += 7n) {
      const byte = bytes[this.position++] as number;
      raw |= BigInt(byte & 0x7f) << shift;
      if (!(byte >= 0x80)) break;
    }
    return Number(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)));
  }
}
