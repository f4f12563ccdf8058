/**
 * The contract of `Ledger` (src/engine/ports-ledger.ts), run on every implementation of it: Postgres and the
 * simulated one.
 *
 * C1 A test makes its own topic, ids and locations, so tests on one store do not disturb each other.
 * C2 A hook that a fixture does not offer skips its tests with that reason; everything else must pass.
 */
import { after, before, describe, test } from 'node:test';
import { COMMIT_CHECKS } from './ledger-commits.ts';
import type { LedgerFixture } from './ledger-fixture.ts';
import { NUMBER_CHECKS } from './ledger-numbers.ts';
import { OWNER_CHECKS } from './ledger-owners.ts';
import { PARKED_CHECKS } from './ledger-parked.ts';
import { PARKED_CROWD_CHECKS } from './ledger-parked-crowds.ts';
import { PEOPLE_CHECKS } from './ledger-people.ts';
import { Scene } from './ledger-scene.ts';

const CHECKS = [
  ...COMMIT_CHECKS,
  ...NUMBER_CHECKS,
  ...PARKED_CHECKS,
  ...PARKED_CROWD_CHECKS,
  ...PEOPLE_CHECKS,
  ...OWNER_CHECKS,
];

export function ledgerConformance(name: string, makeFixture: () => Promise<LedgerFixture>): void {
  describe(`${name}: contract of Ledger`, () => {
    let fixture: LedgerFixture | undefined;
    before(async () => {
      fixture = await makeFixture();
    });
    after(async () => {
      await fixture?.close();
    });
    for (const check of CHECKS) {
      test(check.name, async (context) => {
        if (fixture === undefined) throw new Error('the fixture was not made');
        if (check.needs !== undefined && fixture[check.needs] === undefined) {
          context.skip(`the fixture of ${name} offers no ${check.needs}`);
          return;
        }
        const scene = await Scene.make(fixture);
        try {
          await check.run(scene);
        } finally {
          await scene.end();
        }
      });
    }
  });
}
