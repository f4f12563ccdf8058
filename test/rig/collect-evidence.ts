/** Collects what a run left behind, as the checkers read it. */
import type {
  AuditRow,
  CommandRow,
  DeadLetterRow,
  Evidence,
  PartitionRow,
  RecordTransaction,
  TopicRecord,
  TransactionRow,
  TransitionRow,
} from '../../src/checkers/evidence.ts';
import { byteString } from '../../src/core/byte-string.ts';
import { sameContent } from '../../src/core/content.ts';
import { decodeRecord } from '../../src/core/decode.ts';
import type { BrokerClient, TopicFacts } from './broker-client.ts';
import type { LedgerClient } from './ledger-client.ts';
import { takeOversOf } from './take-over-probe.ts';
import { readResults, readTopic } from './topic-reader.ts';

export interface CollectSettings {
  readonly client: BrokerClient;
  readonly ledger: LedgerClient;
  readonly topic: TopicFacts;
  readonly knownType: (type: string) => boolean;
  readonly concurrencyOf: (location: string) => number;
  readonly journal: Evidence['journal'];
  readonly offsets: Evidence['offsets'];
  readonly workers: Evidence['workers'];
  readonly memory: Evidence['memory'];
  readonly disturbances: number;
  readonly healedAtMs: number;
  readonly exitDeadlineMs: number;
}

/** All processes are on one machine; their clocks differ by how each counts milliseconds. */
const CLOCK_TOLERANCE_MS = 50;

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

const TRANSACTIONS = `select id, topic, partition, "offset"::float8 as "offset", location, slot, state::text as state,
  step, token::text as token, plan, payload, evidence, reason, ${ms('parked_at')} as "parkedAtMs",
  ${ms('began_at')} as "beganAtMs",
  ${ms('finished_at')} as "finishedAtMs", number::float8 as number, worker, epoch::float8 as epoch
from signalbox.transactions where topic = $1`;
const TRANSITIONS = `select s.id, ${ms('s.at')} as "atMs", s.event, s."from"::text as "from", s."to"::text as "to",
  s.token::text as token, s.worker, s.epoch::float8 as epoch
from signalbox.transitions s order by s.sequence`;
const DEAD_LETTERS = `select partition, "offset"::float8 as "offset", code, id, location, ${ms('at')} as "atMs"
from signalbox.dead_letters where topic_id = $1`;
const PARTITIONS = `select partition, epoch::float8 as epoch, worker, watermark::float8 as watermark,
  published::float8 as published, duplicates::float8 as duplicates from signalbox.partitions where topic = $1`;

const AUDIT = `select a.sequence::float8 as sequence, ${ms('a.at')} as "atMs", actor, action, target, reason,
  encode(previous_hash, 'hex') as "previousHash", encode(hash, 'hex') as hash from signalbox.audit a order by a.sequence`;
const COMMANDS = `select c.sequence::float8 as sequence, id, action, outcome from signalbox.commands c where topic = $1`;

type StoredTransaction = Omit<TransactionRow, 'payload'> & { readonly payload: Buffer };

/** The run must have settled. */
export async function collectEvidence(settings: CollectSettings): Promise<Evidence> {
  const { client, ledger, topic, concurrencyOf, journal, offsets, workers, memory } = settings;
  const { disturbances, healedAtMs, exitDeadlineMs } = settings;
  const results = await client.topic(`${topic.name}.results`);
  const stored = await ledger.rows<StoredTransaction>(TRANSACTIONS, [topic.name]);
  return {
    topic: topic.name,
    records: await readTopic(client, topic),
    results: results === null ? [] : await readResults(client, results),
    transactions: stored.map((row) => ({ ...row, payload: byteString(row.payload) })),
    transitions: await ledger.rows<TransitionRow>(TRANSITIONS),
    deadLetters: await ledger.rows<DeadLetterRow>(DEAD_LETTERS, [topic.id]),
    partitions: await ledger.rows<PartitionRow>(PARTITIONS, [topic.name]),
    journal,
    offsets,
    workers,
    takeOvers: await takeOversOf(ledger),
    audit: await ledger.rows<AuditRow>(AUDIT),
    commands: await ledger.rows<CommandRow>(COMMANDS, [topic.name]),
    memory,
    disturbances,
    healedAtMs,
    concurrencyOf,
    transactionOf: remembered(settings),
    sameContent,
    clockToleranceMs: CLOCK_TOLERANCE_MS,
    exitDeadlineMs,
  };
}

/** The checkers ask for the same records again and again. */
function remembered({ knownType }: CollectSettings): Evidence['transactionOf'] {
  const known = new Map<TopicRecord, RecordTransaction | null>();
  return (record) => {
    const before = known.get(record);
    if (before !== undefined) return before;
    const transaction = transactionIn(record, knownType);
    known.set(record, transaction);
    return transaction;
  };
}

function transactionIn(record: TopicRecord, knownType: (type: string) => boolean): RecordTransaction | null {
  const { key, value, producedAtMs: timestampMs } = record;
  const headers = Object.entries(record.headers).map(([name, text]) => ({
    name,
    value: Buffer.from(text, 'latin1'),
  }));
  const dedupeWindowMs = 35 * 24 * 3600 * 1000;
  const decoded = decodeRecord(
    { key, value, headers, timestampMs },
    { nowMs: Date.now(), dedupeWindowMs, knownType },
  );
  return decoded.ok ? { id: decoded.id, location: decoded.location, payload: decoded.payload } : null;
}
