/** Single simulated worlds: sites that break a rule, lower grades. Thousands: test/simulator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scenario, type ScenarioOptions, type ScenarioReport } from './scenario.ts';
import type { SiteDefect } from './site.ts';
import { gradeSwarm, meanSwarm } from './swarm.ts';

const GRADE_SEEDS = 12;
/** What each planted defect must be seen as, in one of the first worlds: a check that cannot fail is none. */
const DEFECTS: readonly { readonly siteDefect: SiteDefect; readonly seenAs: RegExp }[] = [
  { siteDefect: 'no-fence', seenAs: /^S7/ },
  { siteDefect: 'status-does-not-fence', seenAs: /^S7/ },
  { siteDefect: 'key-forgotten', seenAs: /^S6/ },
];
const DEFECT_SEEDS_MAX = 50;

async function world({ seed, ...options }: ScenarioOptions): Promise<ScenarioReport> {
  const report = await new Scenario({ seed, ...options }).run();
  assert.deepEqual(report.violations, [], `seed ${seed}`);
  return report;
}

for (const { seenAs, siteDefect } of DEFECTS) {
  test(`a planted defect is caught: ${siteDefect}`, async () => {
    for (let seed = 1; seed <= DEFECT_SEEDS_MAX; seed += 1) {
      const { violations } = await new Scenario({ ...meanSwarm(seed), siteDefect }).run();
      if (violations.some((violation) => seenAs.test(violation))) return;
    }
    assert.fail(`not seen in ${DEFECT_SEEDS_MAX} worlds`);
  });
}

for (const grade of ['G2', 'G1', 'G0'] as const) {
  test(`at grade ${grade} doubt is resolved as the grade allows, and what is left is held for a person`, async () => {
    const total = { completed: 0, held: 0, inDoubt: 0 };
    for (let seed = 3_000; seed < 3_000 + GRADE_SEEDS; seed += 1) {
      const report = await world(gradeSwarm(seed, grade));
      total.completed += report.completed;
      total.held += report.problems['SB-4205'] ?? 0;
      total.inDoubt += report.problems['SB-4101'] ?? 0;
    }
    assert.ok(total.completed > 0 && total.inDoubt > 0, JSON.stringify(total));
    // At G2 the same key again settles every doubt that comes of packets.
    assert.ok(grade === 'G2' || total.held > 0, JSON.stringify(total));
  });
}
