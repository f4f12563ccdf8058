import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { formatLine, type JournalLine, parseLine } from './journal.ts';
import { JournalFile } from './journal-file.ts';

const line = (n: number, at = n): JournalLine => ({
  at,
  event: 'call',
  key: `order-${n}:apply`,
  kind: 'execute',
  location: 'ärø',
  slot: 1,
  token: String(n),
});

async function collect(journal: JournalFile, from: number): Promise<JournalLine[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of journal.read(from)) chunks.push(chunk);
  return Buffer.concat(chunks).toString().split('\n').filter(Boolean).map(parseLine);
}

describe('JournalFile', () => {
  let directory = '';
  let path = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'signalbox-journal-'));
    path = join(directory, 'deep', 'journal.jsonl');
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function open(): Promise<{ journal: JournalFile; replayed: JournalLine[] }> {
    const replayed: JournalLine[] = [];
    return { journal: await JournalFile.open(path, (each) => replayed.push(each)), replayed };
  }

  it('JF2 has on disk what was appended before durable, in order', async () => {
    const { journal } = await open();
    for (let n = 0; n < 100; n++) {
      journal.append(line(n));
      if (n % 10 === 0) await journal.durable();
    }
    await Promise.all([journal.durable(), journal.durable()]);
    const text = await readFile(path, 'utf8');
    assert.equal(text, Array.from({ length: 100 }, (_, n) => formatLine(line(n))).join(''));
    await journal.close();
  });

  it('replays what it holds when it is opened again, and goes on behind it', async () => {
    const first = await open();
    first.journal.append(line(1));
    await first.journal.close();
    const second = await open();
    assert.deepEqual(second.replayed, [line(1)]);
    second.journal.append(line(2));
    await second.journal.close();
    const third = await open();
    assert.deepEqual(third.replayed, [line(1), line(2)]);
    await third.journal.close();
  });

  it('JF3 cuts a torn last line off', async () => {
    const first = await open();
    first.journal.append(line(1));
    await first.journal.close();
    await appendFile(path, formatLine(line(2)).slice(0, -2));
    const second = await open();
    assert.deepEqual(second.replayed, [line(1)]);
    second.journal.append(line(3));
    await second.journal.close();
    assert.equal(await readFile(path, 'utf8'), formatLine(line(1)) + formatLine(line(3)));
  });

  it('refuses a file with a line that is not its own', async () => {
    const first = await open();
    await first.journal.close();
    await appendFile(path, '{"at":1,"event":"dance","key":"a","location":"b"}\n');
    await assert.rejects(open(), { name: 'TypeError' });
  });

  it('reads from any line number, across index marks and buffer ends', async () => {
    const { journal } = await open();
    const count = 3_000;
    for (let n = 0; n < count; n++) journal.append(line(n));
    await journal.durable();
    assert.equal(journal.lines, count);
    for (const from of [0, 1, 700, 1_023, 1_024, 1_025, 2_048, count - 1, count, count + 5]) {
      const read = await collect(journal, from);
      assert.equal(read.length, Math.max(0, count - from), `from ${from}`);
      if (from < count) assert.deepEqual(read[0], line(from));
    }
    await journal.close();
  });

  it('reads no line that is not durable', async () => {
    const { journal } = await open();
    journal.append(line(0));
    await journal.durable();
    journal.append(line(1));
    assert.deepEqual(await collect(journal, 0), [line(0)]);
    await journal.close();
  });

  it('J1 its clock goes on above the times it replayed', async () => {
    const first = await open();
    const future = Date.now() + 1e9;
    first.journal.append(line(1, future));
    await first.journal.close();
    const second = await open();
    assert.equal(second.journal.now(), future);
    await second.journal.close();
  });

  it('JF4 is not durable any more once it is closed', async () => {
    const { journal } = await open();
    await journal.close();
    await assert.rejects(journal.durable(), /closed/);
  });
});
