/**
 * The contract of `TransactionLog`, run on every implementation of it (Kafka and the embedded log). A member is
 * watched through `LogWatcher`, which keeps what it was told and notes what the contract forbids.
 *
 * C1 Every wait is for a named condition with a deadline; no test sleeps and hopes.
 * C2 A test makes its own topic and group, so tests do not disturb each other.
 * C3 A hook that a fixture does not offer skips its tests with that reason; everything else must pass.
 */
import { after, before, describe, test } from 'node:test';
import { FAULT_CHECKS } from './transaction-log-faults.ts';
import type { TransactionLogFixture } from './transaction-log-fixture.ts';
import { GROUP_CHECKS } from './transaction-log-group.ts';
import { type Check, RECORD_CHECKS } from './transaction-log-records.ts';
import { Scene } from './transaction-log-scene.ts';

export type {
  OpenLogOptions,
  ProducedRecord,
  PublishedRecord,
  TransactionLogFixture,
} from './transaction-log-fixture.ts';

export function transactionLogConformance(
  name: string,
  makeFixture: () => Promise<TransactionLogFixture>,
): void {
  describe(`${name}: contract of TransactionLog`, () => {
    let fixture: TransactionLogFixture | undefined;
    // Timers of a World hold no process; a member that only waits must not end the test run.
    const keepAlive = setInterval(() => undefined, 1_000);
    before(async () => {
      fixture = await makeFixture();
    });
    after(async () => {
      await fixture?.close();
      clearInterval(keepAlive);
    });
    for (const check of [...RECORD_CHECKS, ...GROUP_CHECKS, ...FAULT_CHECKS]) {
      test(check.name, async (context) => {
        if (fixture === undefined) throw new Error('the fixture was not made');
        if (check.needs !== undefined && fixture[check.needs] === undefined) {
          context.skip(`the fixture of ${name} offers no ${check.needs}`);
        } else await runCheck(fixture, check);
      });
    }
  });
}

async function runCheck(fixture: TransactionLogFixture, check: Check): Promise<void> {
  const scene = await Scene.make(fixture, check.partitions);
  try {
    await check.run(scene);
  } catch (error) {
    await scene.end().catch(() => undefined);
    throw error;
  }
  await scene.end();
}
