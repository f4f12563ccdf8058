/** How many partitions the topic has, as far as the ledger knows: where the key of a location falls depends on it. */
import { readFileSync } from 'node:fs';
import { partitionOf } from '../../core/murmur2.ts';
import { ReadPool, type ReadPoolOptions } from './read-pool.ts';

/** Its answer is a number, or null. */
export const PARTITIONS_SQL = readFileSync(new URL('./sql/read-partitions.sql', import.meta.url), 'utf8');

/** Null while the ledger does not know all partitions of the topic. */
export async function partitionIn(pool: ReadPool, topic: string, location: string): Promise<number | null> {
  const partitions = await pool.find<number>(PARTITIONS_SQL, [topic]);
  return partitions === null ? null : partitionOf(location, partitions);
}

/** Asks once, on a connection of its own. Throws SB-2001 and the like. */
export async function readTopicPartitions({
  topic,
  ...connection
}: ReadPoolOptions & { readonly topic: string }): Promise<number | null> {
  const pool = new ReadPool(connection);
  try {
    return await pool.find<number>(PARTITIONS_SQL, [topic]);
  } finally {
    await pool.close();
  }
}
