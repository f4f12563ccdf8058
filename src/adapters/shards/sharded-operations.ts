/**
 * What people do, in a ledger of several servers (src/engine/ports-operate.ts says what each promises).
 *
 * SO1 A limit of a location is set on the location's shard. One by pattern is set on shard 0, where the workers read it,
 *     and then on the others, whose reads show it: when that fails it is in force, and is set again to be shown.
 * SO2 A decision goes to the shard of its transaction; its sequence names it from then on.
 * SO3 Each shard audits what is done on it.
 */
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { isPattern } from '../../core/pattern.ts';
import { isFinal } from '../../core/states.ts';
import type {
  Approval,
  AttentionView,
  AuditCheck,
  CommandOutcome,
  Denial,
  LimitChange,
  Operations,
  Proposal,
  Proposed,
  WatermarkMove,
} from '../../engine/ports-operate.ts';
import type { ReadModel, TransactionView } from '../../engine/ports-read.ts';
import { type ShardOptions, Shards } from './shards.ts';

export interface OperationsShard {
  readonly operations: Operations;
  readonly read: Pick<ReadModel, 'transaction' | 'close'>;
}

export class ShardedOperations implements Operations {
  readonly #shards: Shards<OperationsShard>;

  constructor(options: ShardOptions<OperationsShard>) {
    this.#shards = new Shards(options);
  }

  /** Throws SB-2015 as well, for a location while its shard is not known. */
  async setLimit(change: LimitChange): Promise<void> {
    if (isPattern(change.location)) {
      await this.#shards.at(0, (shard) => shard.operations.setLimit(change));
      await this.#shards.each(async (shard, number) => {
        if (number !== 0) await shard.operations.setLimit(change);
      });
      return;
    }
    const whereIs = await this.#shards.whereIs();
    if (whereIs === null) throw new SignalboxError('SB-2015', change.location);
    await this.#shards.at(whereIs(change.location), (shard) => shard.operations.setLimit(change));
  }

  async moveWatermark(move: WatermarkMove): Promise<void> {
    await this.#shards.ofPartition(move.partition, (shard) => shard.operations.moveWatermark(move));
  }

  async propose(proposal: Proposal): Promise<Proposed> {
    const number = await this.#holderOf(proposal);
    return await this.#shards.at(number, (shard) => shard.operations.propose(proposal));
  }

  /** An id that was used twice, for locations of different shards, names the one that is open, or was seen. */
  async #holderOf({ id, seen }: Proposal): Promise<number> {
    const { answers, failures } = await this.#shards.eachThatAnswers((shard) => shard.read.transaction(id));
    const found = answers.flatMap((view, number) => (view === null ? [] : [{ view, number }]));
    if (found.length === 0 && failures.length > 0) throw failures[0];
    const open = found.filter(({ view }) => !isFinal(view.state));
    const wasSeen = ({ view }: { readonly view: TransactionView }) =>
      seen === undefined || (view.state === seen.state && view.token === seen.token);
    const meant = open.length > 1 ? open.filter(wasSeen) : open;
    if (meant.length > 1) {
      const where = meant.map(({ number, view }) => `${view.location} on shard ${number}`).join(' and ');
      throw new SignalboxError('SB-6008', `${id} is open twice, at ${where}: say in which state it was seen`);
    }
    return (meant[0] ?? open[0] ?? found[0])?.number ?? 0;
  }

  async commandLocation(sequence: number): Promise<string> {
    return await this.#ofSequence(sequence, (shard) => shard.commandLocation(sequence));
  }

  async approve(approval: Approval): Promise<void> {
    await this.#ofSequence(approval.sequence, (shard) => shard.approve(approval));
  }

  async outcome(sequence: number): Promise<CommandOutcome> {
    return await this.#ofSequence(sequence, (shard) => shard.outcome(sequence));
  }

  #ofSequence<T>(sequence: number, ask: (shard: Operations) => Promise<T>): Promise<T> {
    return this.#shards.at(sequence % this.#shards.count, ({ operations }) => ask(operations));
  }

  /** On the first shard that answers. */
  async deny(denial: Denial): Promise<void> {
    const failures: unknown[] = [];
    for (const { operations } of this.#shards.doors) {
      try {
        await operations.deny(denial);
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    throw failures[0];
  }

  async attention(limit: number): Promise<AttentionView[]> {
    const lists = await this.#shards.each((shard) => shard.operations.attention(limit));
    const held = ({ state }: AttentionView) => Number(state !== 'held');
    return lists
      .flat()
      .sort((a, b) => held(a) - held(b) || (a.since < b.since ? -1 : a.since > b.since ? 1 : 0))
      .slice(0, limit);
  }

  /** The chain of each shard; where one is broken its row has the sequence that the list of the audit gives it. */
  async verifyAudit(): Promise<AuditCheck> {
    const { count } = this.#shards;
    const checks = await this.#shards.each((shard) => shard.operations.verifyAudit());
    const broken = checks.flatMap(({ brokenAt }, number) =>
      brokenAt === null ? [] : [brokenAt * count + number],
    );
    return { rows: checks.reduce((sum, { rows }) => sum + rows, 0), brokenAt: broken[0] ?? null };
  }

  async close(): Promise<void> {
    await this.#shards.each(({ operations, read }) => Promise.all([operations.close(), read.close()]));
  }
}
