/** Waits until nothing is left to do: for broker, ledger and results alike. */
import type { BrokerClient, TopicFacts } from './broker-client.ts';
import type { LedgerClient } from './ledger-client.ts';
import { until } from './wait.ts';

export interface SettleSettings {
  readonly client: BrokerClient;
  readonly ledger: LedgerClient;
  readonly topic: TopicFacts;
  readonly group: string;
  readonly timeoutMs: number;
}

interface PartitionNumbers {
  readonly partition: number;
  readonly watermark: number | null;
  readonly published: number;
  readonly last: number;
}

interface OpenRow {
  readonly id: string;
  readonly location: string;
  readonly state: string;
  readonly code: string | null;
}

const NUMBERS = `select partition, watermark::float8 as watermark, published::float8 as published,
  last_number::float8 as last from signalbox.partitions where topic = $1`;
const OPEN = `select id, location, state::text as state, code from signalbox.transactions
  where topic = $1 and state not in ('completed', 'rolled_back') order by partition, "offset"`;
/** Enough to see what they have in common. */
const NAMED_MAX = 5;
const POLL_MS = 250;

/**
 * Resolves when each record is accounted, no transaction is open, each result is published and the group's offsets
 * are at the end. Throws with what is not, when time is up.
 */
export async function settle(settings: SettleSettings): Promise<void> {
  let left: readonly string[] = ['no look yet'];
  try {
    await until({ what: 'settled', timeoutMs: settings.timeoutMs, pollMs: POLL_MS }, async () => {
      left = await whatIsLeft(settings).catch((error: unknown) => [String(error)]);
      return left.length === 0;
    });
  } catch (error) {
    throw new Error(`not settled after ${settings.timeoutMs / 1000} s: ${left.join('; ')}`, { cause: error });
  }
}

async function whatIsLeft({ client, ledger, topic, group }: SettleSettings): Promise<string[]> {
  const ends = await client.endOffsets(topic);
  const offsets = await client.groupOffsets(group, topic.name);
  const numbers = await ledger.rows<PartitionNumbers>(NUMBERS, [topic.name]);
  const open = await ledger.rows<OpenRow>(OPEN, [topic.name]);
  const known = new Map(numbers.map((row) => [row.partition, row]));
  const left: string[] = [];
  for (const [partition, end] of ends) {
    if (end === 0) continue;
    const { watermark = null, published = 0, last = 0 } = known.get(partition) ?? {};
    if (watermark !== end) left.push(`partition ${partition}: watermark ${watermark}, end ${end}`);
    if (published !== last) left.push(`partition ${partition}: published ${published} of ${last} results`);
    const offset = offsets.get(partition) ?? null;
    if (offset !== end) left.push(`partition ${partition}: group offset ${offset}, end ${end}`);
  }
  const named = open.slice(0, NAMED_MAX).map(openText);
  if (open.length > 0) left.push(`${open.length} open transactions: ${named.join(', ')}`);
  return left;
}

function openText({ id, location, state, code }: OpenRow): string {
  return `${id} at ${location} ${state}${code === null ? '' : ` ${code}`}`;
}
