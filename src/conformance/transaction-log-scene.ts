/** One test of the contract: a topic and a group of its own, its members, and waiting for named conditions. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { LogWatcher, type LogWatcherOptions } from './log-watcher.ts';
import type { OpenLogOptions, TransactionLogFixture } from './transaction-log-fixture.ts';

/** A rebalance takes a second or two; a machine under load several times that. */
const DEADLINE_MS = 40_000;
const POLL_MS = 10;
/** What a test leaves open is closed with this budget. */
const CLOSE_BUDGET_MS = 2_000;

/** Polls until the condition holds; fails with its name, and with what `state` says, when it does not in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: { readonly deadlineMs?: number; readonly state?: () => unknown } = {},
): Promise<void> {
  const { deadlineMs = DEADLINE_MS, state } = options;
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    const found = state === undefined ? '' : `; found ${JSON.stringify(state())}`;
    assert.ok(performance.now() < deadline, `not within ${deadlineMs} ms: ${what}${found}`);
    await delay(POLL_MS);
  }
}

type MemberOptions = Partial<Omit<LogWatcherOptions, 'name'>> &
  Pick<OpenLogOptions, 'sessionTimeoutMs' | 'drainBudgetMs'>;

export class Scene {
  readonly fixture: TransactionLogFixture;
  readonly topic: string;
  readonly partitions: number;
  readonly group: string;
  readonly members: LogWatcher[] = [];
  readonly #closed = new Set<LogWatcher>();

  private constructor(fixture: TransactionLogFixture, topic: string, partitions: number) {
    this.fixture = fixture;
    this.topic = topic;
    this.partitions = partitions;
    this.group = `group-of-${topic}`;
  }

  static async make(fixture: TransactionLogFixture, partitions: number): Promise<Scene> {
    return new Scene(fixture, await fixture.createTopic({ partitions }), partitions);
  }

  async join(options: MemberOptions = {}): Promise<LogWatcher> {
    const { sessionTimeoutMs = 6_000, drainBudgetMs, ...watching } = options;
    const budget = drainBudgetMs === undefined ? {} : { drainBudgetMs };
    const log = this.fixture.openLog({ topic: this.topic, group: this.group, sessionTimeoutMs, ...budget });
    const member = new LogWatcher(log, { ...watching, name: `member ${this.members.length}` });
    this.members.push(member);
    await log.open(member);
    return member;
  }

  /** Resolves when these members own all partitions between them, each as many as any other, give or take one. */
  async balanced(...members: readonly LogWatcher[]): Promise<void> {
    const counts = (): number[] => members.map((member) => member.owned.length);
    const total = (): number => counts().reduce((sum, count) => sum + count, 0);
    await until(
      `${this.partitions} partitions shared by ${members.length}`,
      () => total() === this.partitions && Math.max(...counts()) - Math.min(...counts()) <= 1,
      { state: () => members.map((member) => member.owned) },
    );
  }

  async produce(partition: number, values: readonly string[], key = 'atm-1'): Promise<void> {
    await this.fixture.produce(
      this.topic,
      values.map((value) => ({ partition, key, value })),
    );
  }

  async received(member: LogWatcher, count: number): Promise<void> {
    await until(`${count} records received`, () => member.received.length >= count, {
      state: () => member.received.length,
    });
  }

  async committed(partition: number, offset: number): Promise<void> {
    await until(`group offset ${offset} of partition ${partition}`, async () => {
      return (await this.groupOffsets()).get(partition) === offset;
    });
  }

  groupOffsets(): Promise<ReadonlyMap<number, number>> {
    return this.fixture.groupOffsets(this.topic, this.group);
  }

  async close(member: LogWatcher, budgetMs = CLOSE_BUDGET_MS): Promise<void> {
    this.#closed.add(member);
    await member.log.close(budgetMs);
  }

  /** Closes what is open and checks what every member must have kept to. */
  async end(): Promise<void> {
    for (const member of this.members) if (!this.#closed.has(member)) await this.close(member);
    assert.deepEqual(
      this.members.flatMap((member) => member.violations),
      [],
    );
  }
}

/** `<name> 0`, `<name> 1`, … */
export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index}`);
}
