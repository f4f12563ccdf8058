/**
 * Bytes held as a string with one character per byte (latin1). A waiting record keeps its key and value this
 * way: unlike a slice of a Buffer it does not keep the whole fetch answer (up to 4 MiB) alive, and ASCII JSON
 * is parsed from it without a copy. Characters are 0x00 to 0xFF; never show one to a person undecoded.
 */
export type ByteString = string;

export function byteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function bytesOf(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1');
}
