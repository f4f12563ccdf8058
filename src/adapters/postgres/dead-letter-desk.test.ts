/** Dead letters replayed and discarded, on a real Postgres, with the ledger that wrote them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OwnedLedger } from '../../../test/fixtures/owned-ledger.ts';
import { type ByteString, byteString } from '../../core/byte-string.ts';
import type { RecordHeader } from '../../core/record-headers.ts';
import type { TransactionSender } from '../../engine/ports.ts';
import type { DeadLetter } from '../../engine/ports-ledger.ts';
import { discardDeadLetter, type ReplayDoors, replayDeadLetter } from '../../engine/replay-dead-letter.ts';
import { PostgresDeadLetterDesk } from './dead-letter-desk.ts';
import { PostgresOperations } from './operations.ts';
import { PostgresReadModel } from './read-model.ts';

const WHO = { actor: 'ops', reason: 'the producer is mended' };
const NOW_MS = 1_700_000_000_000;

type Sent = Parameters<TransactionSender['send']>[0][number];

let owned: OwnedLedger;
let desk: PostgresDeadLetterDesk;
let read: PostgresReadModel;

before(async () => {
  owned = await OwnedLedger.open();
  const { connectionString } = owned;
  desk = new PostgresDeadLetterDesk({ connectionString, topic: 't' });
  read = new PostgresReadModel({ connectionString, topic: 't', group: 'g', concurrencyOf: () => 1 });
});

after(async () => {
  await Promise.all([desk.close(), read.close()]);
  await owned.close();
});

interface Letter {
  readonly key?: ByteString | null;
  readonly value: string;
  readonly headers?: readonly RecordHeader[];
}

/** A new dead letter; its coordinates. */
async function deadLetter({ key = 'ATM-1', value, headers = [] }: Letter) {
  const offset = owned.nextOffset();
  const entry: DeadLetter = {
    kind: 'dead-letter',
    partition: 0,
    offset,
    key,
    value: byteString(Buffer.from(value)),
    headers,
    code: 'SB-1106',
    detail: 'not JSON',
    id: null,
    location: key,
    recordTimeMs: 0,
  };
  await owned.commit(entry);
  return { partition: 0, offset };
}

function doors(send: TransactionSender['send']): ReplayDoors {
  return {
    desk,
    sender: { send, close: async () => undefined },
    types: { planOf: (type: string) => (type === 'withdraw' ? {} : null) } as unknown as ReplayDoors['types'],
    nowMs: NOW_MS,
    dedupeWindowMs: 1_000,
  };
}

/** Doors that keep what is sent. */
function sending(): { readonly sent: Sent[]; readonly doors: ReplayDoors } {
  const sent: Sent[] = [];
  return { sent, doors: doors(async (records) => void sent.push(...records)) };
}

const good = (id: string) => JSON.stringify({ id, type: 'withdraw', data: {} });

test('as it is: the record goes out with its bytes and headers, and names the one it replays', async () => {
  const headers = [
    { name: 'source', value: Buffer.from([0, 1, 255]) },
    { name: 'empty', value: null },
  ];
  const at = await deadLetter({ value: good('A'), headers });
  const { sent, doors } = sending();
  assert.equal(await replayDeadLetter({ ...at, ...WHO }, doors), 'A');
  assert.deepEqual(sent, [
    {
      key: 'ATM-1',
      value: Buffer.from(good('A')),
      headers: { source: Buffer.from([0, 1, 255]), 'signalbox-replay-of': `t/0/${at.offset}` },
    },
  ]);
  const found = await desk.find(at);
  assert.deepEqual(found?.headers, headers);
  assert.deepEqual([found?.state, found?.replayedAs, found?.resolvedBy], ['replayed', 'A', 'ops']);
  await assert.rejects(replayDeadLetter({ ...at, ...WHO }, doors), { code: 'SB-6010' });
  assert.equal(sent.length, 1);
});

test('mended: another key and value; what would be refused again is not sent and changes nothing', async () => {
  const at = await deadLetter({ key: null, value: '{' });
  const { sent, doors } = sending();
  const again = replayDeadLetter({ ...at, ...WHO }, doors);
  await assert.rejects(again, { code: 'SB-1101' });
  const value = Buffer.from('{"id":"B","type":"unheard-of"}');
  await assert.rejects(replayDeadLetter({ ...at, ...WHO, key: 'ATM-2', value }, doors), { code: 'SB-1114' });
  assert.deepEqual([sent.length, (await desk.find(at))?.state], [0, 'open']);
  const mended = { key: 'ATM-2', value: Buffer.from(good('B')) };
  await replayDeadLetter({ ...at, ...WHO, ...mended }, doors);
  assert.deepEqual([sent[0]?.key, sent[0]?.value], ['ATM-2', mended.value]);
});

test('a record that did not leave can be replayed again, as the same transaction only', async () => {
  const at = await deadLetter({ value: good('C') });
  const broken = doors(async () => {
    throw new Error('the broker is away');
  });
  await assert.rejects(replayDeadLetter({ ...at, ...WHO }, broken), /away/);
  assert.equal((await desk.find(at))?.state, 'replaying');
  const { sent, doors: mended } = sending();
  const other = { ...at, ...WHO, value: Buffer.from(good('D')) };
  await assert.rejects(replayDeadLetter(other, mended), { code: 'SB-6010' });
  await assert.rejects(discardDeadLetter({ ...at, ...WHO }, desk), { code: 'SB-6010' });
  assert.equal(await replayDeadLetter({ ...at, ...WHO }, mended), 'C');
  assert.equal(sent.length, 1);
});

test('an id that the ledger holds is refused: the copy would be a duplicate or a conflict again', async () => {
  await owned.begin('E');
  const at = await deadLetter({ value: good('E') });
  const { sent, doors } = sending();
  await assert.rejects(replayDeadLetter({ ...at, ...WHO }, doors), { code: 'SB-6011' });
  assert.deepEqual([sent.length, (await desk.find(at))?.state], [0, 'open']);
  await replayDeadLetter({ ...at, ...WHO, value: Buffer.from(good('E-2')) }, doors);
  assert.equal(sent.length, 1);
});

test('discarded once, with a reason; an unknown one is said to be unknown', async () => {
  const at = await deadLetter({ value: 'x' });
  await discardDeadLetter({ ...at, ...WHO }, desk);
  const found = await desk.find(at);
  assert.deepEqual([found?.state, found?.resolvedReason], ['discarded', WHO.reason]);
  await assert.rejects(discardDeadLetter({ ...at, ...WHO }, desk), { code: 'SB-6010' });
  await assert.rejects(discardDeadLetter({ partition: 9, offset: 9, ...WHO }, desk), { code: 'SB-6001' });
});

test('the list shows what is open; a transaction names the dead letter it replays; each act is audited', async () => {
  const open = await deadLetter({ value: 'y' });
  const any = { code: null, limit: 100 } as const;
  const unresolved = await read.deadLetters({ ...any, unresolved: true });
  assert.deepEqual(
    unresolved.map(({ offset: each }) => each),
    [open.offset],
  );
  const all = await read.deadLetters({ ...any, unresolved: false });
  assert.equal(all.length, 6);
  const at = await deadLetter({ value: good('unused') });
  await desk.replaying(at, 'E', WHO);
  assert.equal((await read.transaction('E'))?.replayOf, `t/0/${at.offset}`);
  const operations = new PostgresOperations({ connectionString: owned.connectionString, topic: 't' });
  // Replays: A, B, C twice, E-2, E. Discarded: one.
  assert.deepEqual(await operations.verifyAudit(), { rows: 7, brokenAt: null });
  await operations.close();
});
