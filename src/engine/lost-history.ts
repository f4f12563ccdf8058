/**
 * The ledger holds less than is known elsewhere: it was restored to an older point, or somebody reset the group.
 * What the ledger does not know is executed again and settled by the participant's records; but its results must not
 * carry numbers that others had before, or a consumer that removes duplicates by number would drop them.
 *
 * LH1 Before numbers are skipped, what the ledger still has to publish is published with the numbers it has.
 * LH2 The next number is above every number in the results topic.
 * LH3 Log and ledger may be away: it is tried until they answer, or the assignment has ended.
 */
import { backOff } from '../core/back-off.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { WorkerSettings } from './options.ts';
import type { TransactionLog, World } from './ports.ts';
import { type Ledger, LedgerError, type PartitionState } from './ports-ledger.ts';
import { resultRecords } from './result.ts';

export interface LostHistoryDoors {
  readonly log: TransactionLog;
  readonly ledger: Ledger;
  readonly world: World;
  readonly settings: WorkerSettings;
  /** The assignment goes on. */
  readonly current: () => boolean;
  readonly problem: (error: SignalboxError) => void;
}

/** What is known of a partition besides what the ledger says. */
export interface KnownHistory {
  readonly partition: number;
  readonly groupOffset: number | null;
  /** Commits that were answered. */
  readonly commits: number;
}

/**
 * The state to go on from: as it was taken, unless history was lost; that is told. Null: the partition has to be taken
 * over again, or the assignment has ended.
 */
export async function withHistory<T extends PartitionState>(
  known: KnownHistory,
  taken: T,
  doors: LostHistoryDoors,
): Promise<T | null> {
  const lost = await lostHistory(known, taken, doors);
  if (lost === null) return taken;
  doors.problem(lost);
  return await skipPublished(known.partition, taken, doors);
}

/**
 * SB-2007 when the ledger holds less than is known: by the group, by this worker, or by the end of the results topic. The
 * last is looked at as far as it answers at once: a results topic that is away must not keep work from going on.
 */
async function lostHistory(
  { partition, groupOffset, commits }: KnownHistory,
  taken: PartitionState,
  { log, world }: Pick<LostHistoryDoors, 'log' | 'world'>,
): Promise<SignalboxError | null> {
  const { watermark } = taken;
  const isBehind = groupOffset !== null && (watermark === null || groupOffset > watermark);
  if (isBehind || taken.commits < commits) {
    const detail =
      `partition ${partition}: group at ${groupOffset ?? 'the beginning'}, ledger at ` +
      `${watermark ?? 'the beginning'} after ${taken.commits} commits, ${commits} were answered`;
    return new SignalboxError('SB-2007', detail);
  }
  const published = await atOnce(log.lastPublished(partition, 'end'), world);
  if (published <= taken.lastNumber) return null;
  const detail = `partition ${partition}: result ${published} is published, the ledger's last is ${taken.lastNumber}`;
  return new SignalboxError('SB-2007', detail);
}

/** 0 when it fails or takes too long. */
async function atOnce(looking: Promise<number>, world: World): Promise<number> {
  const patience = Promise.withResolvers<number>();
  const timer = world.after(LOOK_MS, () => patience.resolve(0));
  const found = await Promise.race([looking.catch(() => 0), patience.promise]);
  timer.cancel();
  return found;
}

/** A look at the end of the results topic takes milliseconds; work waits for it no longer than this. */
const LOOK_MS = 1_000;
/** As a publisher sends them. */
const RESULTS_PER_SEND = 500;

async function skipPublished<T extends PartitionState>(
  partition: number,
  taken: T,
  doors: LostHistoryDoors,
): Promise<T | null> {
  const { world, settings } = doors;
  for (let attempt = 0; doors.current(); attempt += 1) {
    try {
      return await skipOnce(partition, taken, doors);
    } catch (error) {
      doors.problem(problemIn(error));
    }
    const { retryFirstMs: firstMs, retryMaxMs: maxMs } = settings;
    const ms = backOff({ attempt, firstMs, maxMs, random: world.random });
    await new Promise<void>((resume) => world.after(ms, resume));
  }
  return null;
}

async function skipOnce<T extends PartitionState>(
  partition: number,
  taken: T,
  { log, ledger }: LostHistoryDoors,
): Promise<T | null> {
  const last = await log.lastPublished(partition, 'all');
  if (last <= taken.lastNumber) return taken;
  for (let published = taken.published; published < taken.lastNumber; ) {
    const results = await ledger.results(partition, published, RESULTS_PER_SEND);
    const records = resultRecords(log.topic.name, partition, results);
    if (records.length > 0) await log.publish(partition, records);
    published = results.at(-1)?.number ?? taken.lastNumber;
  }
  const skipped = await ledger.skipNumbers(partition, taken.epoch, last);
  return skipped ? { ...taken, published: last, lastNumber: last } : null;
}

/** Throws what is neither of the ledger nor of the log: a bug. */
function problemIn(error: unknown): SignalboxError {
  if (error instanceof LedgerError) return new SignalboxError('SB-2001', error.message, { cause: error });
  if (error instanceof SignalboxError && error.code !== 'SB-5006') return error;
  throw error;
}
