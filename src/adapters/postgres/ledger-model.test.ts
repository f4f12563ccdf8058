/** Postgres against the simulated ledger: the same random commits and take-overs, the same answers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { testPostgres } from '../../../test/fixtures/postgres.ts';
import type { State } from '../../core/states.ts';
import { NO_CHANGE } from '../../engine/ports-entries.ts';
import type { Begin, Change, Entry, EntryAnswer, PartitionHead, Row } from '../../engine/ports-ledger.ts';
import { SimLedgerStore } from '../../sim/ledger-store.ts';
import { PostgresLedger } from './ledger.ts';

const PARTITIONS = [0, 2];
const PAST_MS = 1_600_000_000_000;
const FUTURE_MS = 4_000_000_000_000;

interface Draw {
  readonly what: 'begin' | 'change' | 'letter';
  readonly partition: number;
  /** Which id, location, slot, way to go on: taken modulo what there is. */
  readonly id: number;
  readonly place: number;
  readonly slot: number;
  readonly expiry: 'none' | 'past' | 'future';
  readonly way: number;
  /** A token that is not the row's. */
  readonly stale: boolean;
}

const draw: fc.Arbitrary<Draw> = fc.record({
  what: fc.constantFrom('begin', 'begin', 'change', 'change', 'change', 'letter'),
  partition: fc.constantFrom(...PARTITIONS),
  id: fc.nat(11),
  place: fc.nat(4),
  slot: fc.integer({ min: 1, max: 2 }),
  expiry: fc.constantFrom('none', 'none', 'none', 'past', 'future'),
  way: fc.nat(4),
  stale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
const act = fc.oneof(
  { weight: 8, arbitrary: fc.record({ commit: fc.array(draw, { maxLength: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ takeOver: fc.constantFrom(...PARTITIONS) }) },
);
type Act = { commit: Draw[] } | { takeOver: number };

const WAYS: Partial<Record<State, readonly Partial<Change>[]>> = {
  executing: [
    { event: 'done', to: 'completed', evidence: '{"a":1}' },
    { event: 'refused', to: 'rolled_back', reason: 'empty' },
    { event: 'done', to: 'executing', step: 1, newToken: true, evidence: '{"c":3}' },
    { event: 'unknown', to: 'in_doubt', newToken: true, code: 'SB-4101', detail: 'time' },
    { event: 'retry', to: 'executing', lateTo: 'in_doubt', newToken: true, reason: 'busy', code: 'SB-4110' },
  ],
  in_doubt: [
    { event: 'done', to: 'executing', step: 1, newToken: true, evidence: '{"b":2}' },
    { event: 'never', to: 'executing', newToken: true },
    { event: 'refused', to: 'rolled_back', reason: 'not there' },
    { event: 'unknown', to: 'in_doubt', code: 'SB-4109' },
  ],
};

const BARE = {
  ...NO_CHANGE,
  startedMs: 1,
  answeredMs: 2,
  timeoutMs: 1_000,
} as const;

/** One of the two ledgers, spoken to in its own tokens. */
class Side {
  readonly tokens = new Map<string, string>();
  readonly rows = new Map<string, { state: State; token: string; partition: number }>();
  readonly heads = new Map<number, { epoch: number; lastNumber: number }>();

  /** Tokens differ between the two; the order in which they appear does not. */
  named(token: string): string {
    const name = this.tokens.get(token) ?? `token ${this.tokens.size}`;
    this.tokens.set(token, name);
    return name;
  }

  entry(
    prefix: string,
    { what, partition, id, place, slot, expiry, way, stale }: Draw,
    offset: number,
  ): Entry {
    const key = `${prefix}-${id}`;
    const row = this.rows.get(key);
    const ways = row === undefined ? undefined : WAYS[row.state];
    if (what === 'change' && row !== undefined && ways !== undefined) {
      const fromState = row.state as Change['fromState'];
      const fromToken = stale ? '0' : row.token;
      const call = fromState === 'executing' ? 'execute' : 'status';
      const chosen = ways[way % ways.length] ?? {};
      return { ...BARE, partition: row.partition, id: key, fromState, fromToken, call, ...chosen } as Change;
    }
    const expiresAtMs = expiry === 'none' ? null : expiry === 'past' ? PAST_MS : FUTURE_MS;
    const location = `${prefix}.${place}`;
    if (what === 'letter') {
      const bytes = {
        key: null,
        value: 'v',
        headers: [],
        code: 'SB-1106',
        detail: 'd',
        id: null,
        location: null,
      } as const;
      return { kind: 'dead-letter', partition, offset, ...bytes, recordTimeMs: 1 };
    }
    const begin: Omit<Begin, 'kind'> = {
      partition,
      offset,
      id: key,
      location,
      slot,
      type: 't',
      payload: `payload ${offset}`,
      plan: '1:a,b',
      timeoutMs: 1_000,
      deadlineMs: 600_000,
      expiresAtMs,
      concurrency: 2,
      traceparent: null,
      recordTimeMs: 1,
    };
    return { kind: 'begin', ...begin };
  }

  head(partition: number, duplicates: number): PartitionHead {
    const known = this.heads.get(partition) ?? { epoch: 0, lastNumber: 0 };
    return { partition, ...known, watermark: null, published: null, duplicates, commits: null };
  }

  /** Notes what the answers say and returns them in words that both sides share. */
  learn(entries: readonly Entry[], answers: readonly EntryAnswer[]): unknown[] {
    return answers.map((answer, index) => {
      const entry = entries[index];
      if (entry === undefined || entry.kind === 'dead-letter') return answer;
      const { id, partition } = entry;
      const head = this.heads.get(partition);
      const number = 'number' in answer ? answer.number : null;
      if (head !== undefined) head.lastNumber = Math.max(head.lastNumber, number ?? 0);
      if (answer.status === 'expired') this.rows.set(id, { state: 'rolled_back', token: '0', partition });
      if (answer.status === 'done' && 'token' in answer) {
        const state = 'state' in answer ? answer.state : 'executing';
        this.rows.set(id, { state, token: answer.token, partition });
        return { ...answer, token: this.named(answer.token), notAfterMs: 'any' };
      }
      // A row that never began has no token of its own.
      if (answer.status === 'changed') return { ...answer, token: 'any' };
      return answer;
    });
  }

  learnRows(rows: readonly Row[]): unknown[] {
    const sorted = rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return sorted.map(({ id, partition, offset, location, slot, state, step, token, code }) => {
      this.rows.set(id, { state, token, partition });
      return { id, partition, offset, location, slot, state, step, code };
    });
  }
}

/** So many take-overs never hold a transaction, whichever attempts one counts. */
const TAKE_OVERS_MAX = 2;

test('Postgres answers as the simulated ledger does', async () => {
  const server = await testPostgres();
  const { connectionString } = server;
  let run = 0;
  const same = async (acts: readonly Act[]): Promise<void> => {
    run += 1;
    const prefix = `run${run}`;
    const identity = { topic: prefix, topicId: prefix, group: 'group', worker: 'worker' };
    const real = await PostgresLedger.open({
      connectionString,
      identity,
      ledgerConnections: 2,
      allowMigrate: true,
    });
    const model = new SimLedgerStore(() => Date.now());
    const [left, right] = [new Side(), new Side()];
    let offset = 0;
    const takeOver = async (partition: number) => {
      const [one, two] = [await real.takeOver(partition), model.takeOver(identity, partition)];
      assert(one.outcome === 'owned' && two.outcome === 'owned');
      for (const [side, taken] of [
        [left, one],
        [right, two],
      ] as const) {
        side.heads.set(partition, { epoch: taken.epoch, lastNumber: taken.lastNumber });
      }
      const [{ holders, ...state }, { holders: expected, ...expectedState }] = [one, two];
      assert.deepEqual(state, expectedState);
      assert.deepEqual(left.learnRows(holders), right.learnRows(expected));
    };
    try {
      for (const partition of PARTITIONS) await takeOver(partition);
      let takeOvers = 0;
      for (const one of acts) {
        if ('takeOver' in one) {
          takeOvers += 1;
          if (takeOvers <= TAKE_OVERS_MAX) await takeOver(one.takeOver);
          continue;
        }
        const offsets = one.commit.map(() => offset++);
        const [asReal, asModel] = [left, right].map((side) => ({
          heads: PARTITIONS.map((partition) => side.head(partition, one.commit.length % 3)),
          entries: one.commit.map((drawn, index) => side.entry(prefix, drawn, offsets[index] ?? 0)),
        }));
        assert(asReal !== undefined && asModel !== undefined);
        const answer = await real.commit(asReal);
        const expected = model.commit(identity, asModel);
        assert.deepEqual(answer.fenced, expected.fenced);
        assert.deepEqual(
          left.learn(asReal.entries, answer.answers),
          right.learn(asModel.entries, expected.answers),
        );
      }
      for (const partition of PARTITIONS) {
        const results = await real.results(partition, 0, 1_000);
        const untimed = (list: typeof results) => list.map((result) => ({ ...result, finishedAtMs: 0 }));
        assert.deepEqual(untimed(results), untimed(model.results(identity, partition, 0, 1_000)));
      }
    } finally {
      await real.close();
    }
  };
  try {
    const acts = fc.array(act, { minLength: 1, maxLength: 12 });
    await fc.assert(fc.asyncProperty(acts, same), { seed: 2026, numRuns: 60, endOnFailure: true });
  } finally {
    await server.stop();
  }
});
