/**
 * The site's journal on disk: one file, appended only, one JSON line an event, written and fsynced in groups.
 * JF1 `append` only puts the line in order; nothing is promised before `durable` resolves.
 * JF2 `durable` resolves when everything appended before the call is on disk; one fsync serves all who wait.
 * JF3 a torn last line was never durable, so nobody was told of it: opening cuts it off.
 * JF4 after a failed write nothing is durable any more: every `durable` rejects, for ever.
 */
import { close, createReadStream, fdatasync, ftruncate, open, write } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { formatLine, type JournalLine, parseLine } from './journal.ts';

const openAsync = promisify(open);
const writeAsync = promisify(write) as (
  fd: number,
  bytes: Buffer,
  from: number,
) => Promise<{ bytesWritten: number }>;
const syncAsync = promisify(fdatasync);
const truncateAsync = promisify(ftruncate);
const closeAsync = promisify(close);

/** Every how many lines the byte offset is noted, so that reading from line n skips at most this many lines. */
const INDEX_EVERY = 1024;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

export class JournalFile {
  readonly path: string;
  readonly #fd: number;
  #pending: string[] = [];
  #waiters: Waiter[] = [];
  #flushing = false;
  #closed = false;
  #failed: Error | null = null;
  /** Bytes and lines on disk and synced. */
  #bytes = 0;
  #lines = 0;
  /** Byte offset of line k * INDEX_EVERY. */
  readonly #index: number[] = [0];
  #lastAt = 0;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Opens or makes the file, cuts off a torn last line and gives every whole line to `replay`, in order. */
  static async open(path: string, replay: (line: JournalLine) => void): Promise<JournalFile> {
    await mkdir(dirname(path), { recursive: true });
    const fd = await openAsync(path, 'a+');
    const journal = new JournalFile(path, fd);
    await journal.#replay(replay);
    await truncateAsync(fd, journal.#bytes);
    return journal;
  }

  get lines(): number {
    return this.#lines;
  }

  /** The journal's clock: Unix time in ms with µs, never going back (J1). */
  now(): number {
    const at = Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
    if (at > this.#lastAt) this.#lastAt = at;
    return this.#lastAt;
  }

  append(line: JournalLine): void {
    this.#pending.push(formatLine(line));
  }

  /** Rejects when the disk refused a write. */
  durable(): Promise<void> {
    if (this.#failed !== null) return Promise.reject(this.#failed);
    if (this.#closed) return Promise.reject(new Error('the journal is closed'));
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => void this.#flush());
    }
    return done;
  }

  /** The durable lines from number `from` (0 is the first), as they stand in the file. */
  async *read(from: number): AsyncGenerator<Buffer> {
    const mark = Math.min(Math.floor(from / INDEX_EVERY), this.#index.length - 1);
    let skip = from - mark * INDEX_EVERY;
    for await (const chunk of this.#stream(this.#index[mark] ?? 0, this.#bytes)) {
      const { rest, skipped } = dropLines(chunk, skip);
      skip -= skipped;
      if (rest.length > 0) yield rest;
    }
  }

  /** Writes what was appended before; from now on `durable` rejects. */
  async close(): Promise<void> {
    // A second close could hit a file that got the same descriptor meanwhile.
    if (this.#closed) return;
    const last = this.durable();
    this.#closed = true;
    await last.catch(() => undefined);
    await closeAsync(this.#fd);
  }

  async #flush(): Promise<void> {
    while (this.#waiters.length > 0 && this.#failed === null) {
      const lines = this.#pending;
      const waiters = this.#waiters;
      this.#pending = [];
      this.#waiters = [];
      try {
        await this.#write(lines);
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        this.#failed = error instanceof Error ? error : new Error(String(error));
        for (const waiter of waiters) waiter.reject(this.#failed);
      }
    }
    for (const waiter of this.#waiters.splice(0))
      waiter.reject(this.#failed ?? new Error('the journal is closed'));
    this.#flushing = false;
  }

  async #write(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) {
      const bytes = Buffer.from(lines.join(''));
      let written = 0;
      while (written < bytes.length) written += (await writeAsync(this.#fd, bytes, written)).bytesWritten;
      await syncAsync(this.#fd);
    }
    for (const line of lines) this.#count(Buffer.byteLength(line));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#lines += 1;
    if (this.#lines % INDEX_EVERY === 0) this.#index.push(this.#bytes);
  }

  async #replay(replay: (line: JournalLine) => void): Promise<void> {
    let carry: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#stream(0, Number.POSITIVE_INFINITY)) {
      const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      let start = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
        const line = parseLine(bytes.toString('utf8', start, end));
        if (line.at > this.#lastAt) this.#lastAt = line.at;
        this.#count(end + 1 - start);
        start = end + 1;
        replay(line);
      }
      carry = bytes.subarray(start);
    }
  }

  /** Bytes [from, to) of the file. */
  #stream(from: number, to: number): AsyncIterable<Buffer> {
    if (to <= from) return none();
    const stream: Readable = createReadStream(this.path, { start: from, end: to - 1 });
    return stream;
  }
}

async function* none(): AsyncGenerator<Buffer> {}

/** `chunk` without its first `skip` lines; `skipped` counts the line ends passed. */
function dropLines(chunk: Buffer, skip: number): { rest: Buffer; skipped: number } {
  let start = 0;
  let skipped = 0;
  while (skipped < skip) {
    const end = chunk.indexOf(10, start);
    if (end === -1) return { rest: chunk.subarray(chunk.length), skipped };
    start = end + 1;
    skipped += 1;
  }
  return { rest: chunk.subarray(start), skipped };
}
