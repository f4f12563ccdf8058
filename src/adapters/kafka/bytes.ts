/**
 * A cursor over Kafka's encodings. Offsets, ids and times are JS numbers: exact below 2^53.
 * Reading past the end throws RangeError.
 */
const WORD = 2 ** 32;

export class Bytes {
  readonly bytes: Buffer;
  position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int16(): number {
    this.position += 2;
    return this.bytes.readInt16BE(this.position - 2);
  }

  int32(): number {
    this.position += 4;
    return this.bytes.readInt32BE(this.position - 4);
  }

  int64(): number {
    this.position += 8;
    return int64At(this.bytes, this.position - 8);
  }

  /** Length of a compact string, array or record set; 0 for null too. */
  compactLength(): number {
    const length = this.unsignedVarint();
    return length === 0 ? 0 : length - 1;
  }

  unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.bytes.readUInt8(this.position);
      this.position += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`no varint at ${this.position}`);
  }

  uuid(): string {
    const hex = this.bytes.toString('hex', this.position, this.position + 16);
    this.skip(16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  skip(length: number): void {
    this.position += length;
    if (this.position > this.bytes.length) throw new RangeError(`the answer ends before ${this.position}`);
  }

  skipTags(): void {
    for (let count = this.unsignedVarint(); count > 0; count -= 1) {
      this.unsignedVarint();
      this.skip(this.unsignedVarint());
    }
  }
}

export function int64At(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * WORD + bytes.readUInt32BE(position + 4);
}
