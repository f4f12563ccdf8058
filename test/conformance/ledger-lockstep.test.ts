/** A real Postgres and the simulated ledger live through the same random histories: every answer, every row is equal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { CommitUnderWay } from '../../src/conformance/ledger-fixture.ts';
import type { Commit } from '../../src/engine/ports-ledger.ts';
import { PostgresLedgerFixture } from '../fixtures/postgres-ledger.ts';
import { type Act, acts, type DrawnEntry, PARTITIONS } from './ledger-acts.ts';
import { Side } from './ledger-side.ts';
import { SimLedgerFixture } from './sim-ledger.ts';

const RUNS = 30;
const SEED = 2026;
/** So many changes are sent alone, plain or not (commit-encoding.ts). */
const CHANGES_ALONE = 1;
const HOUR_MS = 3_600_000;
const FOREIGN = {
  same: {},
  other: { worker: 'worker-2' },
  'other-group': { group: 'other' },
  'other-topic-id': { topicId: 'remade' },
} as const;

/** What both do, the real one first: its clock is the other's. */
class Pair {
  readonly #real: PostgresLedgerFixture;
  readonly #setClock: (atMs: number) => void;
  readonly #left: Side;
  readonly #right: Side;
  #offset = 0;
  /** Database time of the commit that was under way in a race. */
  #racedAtMs = 0;

  constructor(real: PostgresLedgerFixture, sides: readonly [Side, Side], setClock: (atMs: number) => void) {
    this.#real = real;
    [this.#left, this.#right] = sides;
    this.#setClock = setClock;
  }

  async run(act: Act): Promise<void> {
    for (const side of [this.#left, this.#right]) side.begins();
    const told = await this.#left.named(await this.#do(this.#left, act));
    if (act.act === 'race') this.#setClock(this.#racedAtMs);
    else await this.#sameTime();
    const expected = await this.#right.named(await this.#do(this.#right, act));
    if ('entries' in act) this.#offset += act.entries.length;
    assert.deepEqual(told, expected, act.act);
    const rows = this.#left.named(await this.#left.readRows());
    assert.deepEqual(rows, this.#right.named(await this.#right.readRows()), `rows after ${act.act}`);
  }

  /** Everything written in a commit has its time. */
  async #sameTime(): Promise<void> {
    const { topic } = this.#left.identity;
    const { rows } = await this.#real.pool.query<{ at: string | null }>(
      `select round(extract(epoch from max(changed_at)) * 1000) as at from signalbox.transactions
         where topic = $1`,
      [topic],
    );
    if (rows[0]?.at !== undefined && rows[0].at !== null) this.#setClock(Number(rows[0].at));
  }

  async #do(side: Side, act: Act): Promise<unknown> {
    switch (act.act) {
      case 'commit': {
        const answer = await side.commit(side.commitOf(act.entries, act.heads, this.#offset));
        return typeof answer === 'string' ? answer : { ...answer, atMs: 'then' };
      }
      case 'lose':
        return side.lose(side.commitOf(inOneExchange(act.entries), [], this.#offset), act.how);
      case 'race':
        return this.#race(side, act);
      case 'take-over':
        return side.takeOver(act.partition, FOREIGN[act.by]);
      case 'raise':
        return side.raise(
          PARTITIONS.map((partition, index) => ({
            partition,
            epoch: (side.heads.get(partition)?.epoch ?? 0) - (act.stale[index] === true ? 1 : 0),
          })),
        );
      case 'limit': {
        const { place, ...settings } = act;
        return side.fixture.setLocation(side.location(place), settings);
      }
      case 'propose':
        return side.propose(act.id, act.action);
      case 'prune':
        return side.ledger.prune(act.partition, act.old ? -HOUR_MS : HOUR_MS, act.limit);
      case 'skip': {
        const { epoch = 0, lastNumber = 0 } = side.heads.get(act.partition) ?? {};
        const number = lastNumber + act.by;
        const skipped = await side.ledger.skipNumbers(act.partition, epoch - (act.stale ? 1 : 0), number);
        const known = side.heads.get(act.partition);
        if (skipped && known !== undefined) known.lastNumber = number;
        return skipped;
      }
    }
  }

  /** A commit is applied but not over when another owner comes, or its worker raises the epochs. */
  async #race(side: Side, { entries, raise }: Act & { act: 'race' }): Promise<unknown> {
    const commit = side.commitOf(
      entries.filter(({ text }) => text !== 'unstorable'),
      [],
      this.#offset,
    );
    const [partition] = PARTITIONS;
    const underWay = await this.#underWay(side, commit);
    let over = false;
    const other = (raise ? side.raise(commit.heads) : side.takeOver(partition, FOREIGN.other)).finally(() => {
      over = true;
    });
    await underWay.waitedFor();
    assert.equal(over, false, 'it waits for the commit');
    await underWay.finish();
    const found = await other;
    // Its answer never came: the epochs tell what it did.
    return [
      found,
      await side.raise(commit.heads.map((head) => ({ ...head, ...side.heads.get(head.partition) }))),
    ];
  }

  /** Everything else that can be read, at the end. */
  async restAgrees(): Promise<void> {
    const rest = this.#left.named(await this.#left.rest());
    assert.deepEqual(rest, this.#right.named(await this.#right.rest()));
  }

  async #underWay(side: Side, commit: Commit): Promise<CommitUnderWay> {
    if (side === this.#left) {
      const underWay = await this.#real.underWay(side.identity, commit, false);
      this.#racedAtMs = underWay.atMs;
      return underWay;
    }
    const underWay = await side.fixture.underWay?.(side.identity, commit);
    assert(underWay !== undefined);
    return underWay;
  }

  /** What the real one keeps of the history the other keeps too, in the same order. */
  async historiesAgree(): Promise<void> {
    const [real, other] = [await this.#left.history(), await this.#right.history()];
    for (const [index, lines] of real.entries()) {
      const rest = other[index] ?? [];
      let next = 0;
      for (const line of lines) {
        next = rest.indexOf(line, next) + 1;
        assert(next > 0, `${line} is not in the simulated history of ${index}: ${rest.join(' ')}`);
      }
    }
  }
}

/** Begins that find their slot taken, and many plain changes, may cost the real one a second exchange. */
function inOneExchange(entries: readonly DrawnEntry[]): DrawnEntry[] {
  const changes = entries.filter(({ kind }) => kind === 'change').slice(0, CHANGES_ALONE);
  return entries.filter(
    (entry) => entry.kind !== 'begin' && (entry.kind !== 'change' || changes.includes(entry)),
  );
}

let real: PostgresLedgerFixture;
before(async () => {
  real = await PostgresLedgerFixture.make();
});
after(async () => {
  await real.close();
});

test('random histories', async () => {
  let run = 0;
  const lived = async (history: readonly Act[]): Promise<void> => {
    run += 1;
    let nowMs = Date.now();
    const simulated = new SimLedgerFixture(() => nowMs);
    const sides = [await Side.make(real, `run${run}`), await Side.make(simulated, `run${run}`)] as const;
    const pair = new Pair(real, sides, (atMs) => {
      nowMs = atMs;
    });
    try {
      for (const partition of PARTITIONS) await pair.run({ act: 'take-over', partition, by: 'same' });
      for (const act of history) await pair.run(act);
      await pair.restAgrees();
      await pair.historiesAgree();
    } finally {
      for (const side of sides) await side.close();
      await simulated.close();
    }
  };
  await fc.assert(fc.asyncProperty(acts, lived), { seed: SEED, numRuns: RUNS, endOnFailure: true });
});
