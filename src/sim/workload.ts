/** The records of a simulated world: fresh ones, duplicates, conflicts, bad ones, some that expire. */
import type { JsonObject } from '../core/answer.ts';
import type { RandomStream } from './random.ts';
import type { VirtualWorld } from './world.ts';

export interface WorkloadOptions {
  readonly transactions: number;
  readonly locations: number;
  /** Virtual time over which faults happen, in ms: records are produced in the first four fifths of it. */
  readonly faultMs: number;
  /** Share of records that repeat an earlier id: with the same content, or with another (a conflict). */
  readonly duplicates: number;
  readonly conflicts: number;
  readonly badRecords: number;
  /** Share of records that may not begin later than a few seconds after they are produced. */
  readonly expiring: number;
}

export interface WorkloadDoors {
  readonly virtual: VirtualWorld;
  readonly random: RandomStream;
  /** Draws who expires: a stream of its own. */
  readonly expiry: RandomStream;
  readonly transaction: (index: number) => { readonly type: string; readonly data: JsonObject };
  readonly send: (key: string | null, value: string) => void;
}

const EXPIRES_MS_MAX = 6_000;

export function produce(options: WorkloadOptions, doors: WorkloadDoors): void {
  const { virtual, random, expiry, transaction, send } = doors;
  const { badRecords, duplicates, conflicts } = options;
  const ids: { id: string; location: string; amount: number; expiresMs: number | null }[] = [];
  for (let index = 0; index < options.transactions; index += 1) {
    const atMs = random.next() * options.faultMs * 0.8;
    const known = ids.length > 0 ? random.pick(ids) : null;
    const kind = random.next();
    if (kind < badRecords) {
      const [key, value] = badRecord(random, index);
      virtual.after(atMs, () => send(key, value));
      continue;
    }
    const again = known !== null && kind < badRecords + duplicates + conflicts;
    const conflict = again && kind < badRecords + conflicts;
    const expiresMs = expiry.chance(options.expiring) ? atMs + expiry.between(0, EXPIRES_MS_MAX) : null;
    const location = `L${random.between(1, options.locations)}`;
    const fresh = { id: `t${index}`, location, amount: index, expiresMs };
    if (!again) ids.push(fresh);
    const record = again ? { ...known, amount: conflict ? -1 : known.amount } : fresh;
    const value = recordValue(record, transaction(record.amount), virtual);
    virtual.after(atMs, () => send(record.location, value));
  }
}

function badRecord(random: RandomStream, index: number): [key: string | null, value: string] {
  const value = random.pick([
    '{',
    '[]',
    '{"id":"x y","type":"t"}',
    `{"id":"bad-${index}","type":"apply","data":3}`,
  ]);
  return [random.pick([null, 'L1', 'not a location', 'L2']), value];
}

function recordValue(
  { id, expiresMs }: { readonly id: string; readonly expiresMs: number | null },
  { type, data }: { readonly type: string; readonly data: JsonObject },
  virtual: VirtualWorld,
): string {
  if (expiresMs === null) return JSON.stringify({ id, type, data });
  const expiresAt = new Date(virtual.wallClockMs() + expiresMs).toISOString();
  return JSON.stringify({ id, type, data, expiresAt });
}
