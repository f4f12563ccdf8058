/** What the promises say of a simulated world at its end (design 2); an empty list is what we want. */
import { sameContent } from '../core/content.ts';
import { standInPlan, stepKey } from '../core/plan.ts';
import { isHolding } from '../core/states.ts';
import type { SimBroker, SimRecord } from './broker.ts';
import { textOf } from './broker.ts';
import type { SimRow } from './ledger-rows.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import type { Effect, Site } from './site.ts';

export interface Evidence {
  /** How often the ledger has lost history: results of what it forgot carry numbers of their own. */
  readonly failovers: number;
  /** Slots of a location. */
  readonly slotsAt: (location: string) => number;
  readonly broker: SimBroker;
  readonly store: SimLedgerStore;
  readonly site: Site;
  readonly produced: readonly SimRecord[];
}

export function violationsOf(evidence: Evidence): string[] {
  return [
    ...overlaps(evidence),
    ...order(evidence),
    ...accounted(evidence),
    ...effects(evidence),
    ...results(evidence),
    ...tokens(evidence),
    ...epochs(evidence),
  ];
}

/** S1: at most `concurrency` effects under way at a location. */
function overlaps({ site, slotsAt }: Evidence): string[] {
  const byLocation = Map.groupBy(site.effects, (effect) => effect.location);
  return [...byLocation].flatMap(([location, list]) => {
    const edges = list.flatMap((effect) => [
      { atMs: effect.startedMs, by: 1, key: effect.key },
      { atMs: effect.endedMs ?? Number.POSITIVE_INFINITY, by: -1, key: effect.key },
    ]);
    edges.sort((a, b) => a.atMs - b.atMs || a.by - b.by);
    let under = 0;
    for (const edge of edges) {
      under += edge.by;
      if (under > slotsAt(location))
        return [`S1 ${under} effects at once at ${location}, ${edge.key} at ${edge.atMs}`];
    }
    return [];
  });
}

/** S2: begin order per location is record order; S12 with it: tokens grow with begins. */
function order({ store }: Evidence): string[] {
  const begins = store.transitions.filter((transition) => transition.event === 'begin');
  const last = new Map<string, { offset: number; id: string }>();
  return begins.flatMap(({ id }) => {
    const row = store.rows.get(id);
    if (row === undefined) return [];
    const lane = `${row.partition}/${row.location}`;
    const before = last.get(lane);
    last.set(lane, { offset: row.offset, id });
    return before !== undefined && before.offset > row.offset
      ? [`S2 ${id} began after ${before.id} at ${row.location}`]
      : [];
  });
}

/** S3, S9, S15: every record has its row, is a duplicate with equal content, or a dead letter. */
function accounted({ produced, store, broker }: Evidence): string[] {
  const holding = [...store.rows.values()].filter((row) => row.state === 'held');
  const held = new Set(holding.map((row) => `${row.partition}/${row.location}`));
  return produced.flatMap((record) => {
    const place = `${broker.topic.id}/${record.partition}/${record.offset}`;
    const letter = store.deadLetters.get(place);
    const row = rowOf(store, record);
    const own = row !== null && row.partition === record.partition && row.offset === record.offset;
    if (letter !== undefined) return own ? [`S15 ${place} is a row and a dead letter`] : [];
    if (row === null && held.has(`${record.partition}/${textOf(record).key}`)) return [];
    if (row === null) return [`S3 record ${place} is lost: ${textOf(record).value}`];
    if (own) return [];
    const { key, value } = textOf(record);
    const same = sameContent(value ?? '', key ?? '', row.payload, row.location);
    return same ? [] : [`S15 ${place} differs from ${row.id} and is no dead letter`];
  });
}

function rowOf(store: SimLedgerStore, record: SimRecord): SimRow | null {
  try {
    const { id } = JSON.parse(textOf(record).value ?? '') as { id?: string };
    return store.rows.get(id ?? '') ?? null;
  } catch {
    return null;
  }
}

/** S6, S7: no step twice; completed means all effects, rolled back means none. */
function effects({ store, site }: Evidence): string[] {
  const byKey = Map.groupBy(site.effects, (effect) => effect.key);
  const violations: string[] = [];
  for (const [key, list] of byKey) {
    if (list.filter((effect) => effect.happened).length > 1)
      violations.push(`S6 ${key} happened ${list.length} times`);
    if (!store.rows.has(key.split(':')[0] ?? '')) violations.push(`S8 ${key} has an effect and no row`);
  }
  for (const row of store.rows.values()) {
    if (isHolding(row.state)) continue;
    for (const { name: step } of standInPlan(row.type, row.plan).steps) {
      const list = byKey.get(stepKey(row.id, step)) ?? [];
      const standing = list.some(stands);
      if (row.state === 'completed' && !standing)
        violations.push(`S7 ${row.id} is completed without the effect of step ${step}`);
      if (row.state === 'rolled_back' && standing)
        violations.push(`S7 ${row.id} is rolled back, step ${step} stands`);
    }
  }
  return violations;
}

function stands(effect: Effect): boolean {
  return effect.endedMs === null || (effect.happened && effect.reversedMs === null);
}

/** Results: true, without gaps, the same bytes each time. */
function results({ store, broker, failovers }: Evidence): string[] {
  const seen = new Map<string, string>();
  const violations: string[] = [];
  for (const { record } of broker.results) {
    const result = JSON.parse(record.value) as {
      id: string;
      outcome: string;
      partition: number;
      number: number;
    };
    const row = store.rows.get(result.id);
    if (row?.state !== result.outcome || (row.number !== result.number && failovers === 0))
      violations.push(`R1 result ${record.value} is not true`);
    const name = `${result.partition}/${result.number}`;
    // After a loss of history the same transaction may end once more, at another time.
    const form = failovers === 0 ? record.value : `${result.id} ${result.outcome}`;
    if ((seen.get(name) ?? form) !== form)
      violations.push(`R1 result ${name} was published in two forms: ${seen.get(name)}, ${form}`);
    seen.set(name, form);
  }
  for (const row of store.rows.values()) {
    if (row.number !== null && !seen.has(`${row.partition}/${row.number}`))
      violations.push(`R2 result of ${row.id} is missing`);
  }
  for (const [place, partition] of store.partitions) {
    for (let number = 1; number <= partition.lastNumber; number += 1) {
      if (!seen.has(`${place.split('/')[1]}/${number}`)) violations.push(`R2 gap at ${place} ${number}`);
    }
  }
  return violations;
}

/** S12: the tokens of a row only grow. */
function tokens({ store }: Evidence): string[] {
  const last = new Map<string, bigint>();
  return store.transitions.flatMap(({ id, token, event }) => {
    if (token === null) return [];
    const before = last.get(id) ?? 0n;
    last.set(id, BigInt(token));
    return BigInt(token) < before ? [`S12 token of ${id} went back at ${event}`] : [];
  });
}

/** S11: once a newer epoch has written in a partition, no older one does. */
function epochs({ store }: Evidence): string[] {
  const last = new Map<number, number>();
  return store.transitions.flatMap(({ id, epoch, event, worker }) => {
    const partition = store.rows.get(id)?.partition ?? -1;
    const before = last.get(partition) ?? 0;
    last.set(partition, Math.max(before, epoch));
    return epoch < before
      ? [`S11 ${worker} wrote ${event} of ${id} under epoch ${epoch} after ${before}`]
      : [];
  });
}
