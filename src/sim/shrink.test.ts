/** A world that fails is made smaller while it fails the same way, and told in few lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw } from './draw.ts';
import { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import type { SiteDefect } from './site.ts';
import { STORY_LINES_MAX, storyOf } from './story.ts';

const DEFECTS: readonly (readonly [defect: SiteDefect, promise: RegExp])[] = [
  ['no-fence', /^S7/],
  ['key-forgotten', /^S6/],
];
const SEEDS_MAX = 100;

for (const [siteDefect, promise] of DEFECTS)
  test(`the world that shows ${siteDefect} shrinks to a story`, async (context) => {
    const also = { siteDefect };
    for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
      const options = { ...draw({ seed }), ...also };
      const { violations } = await new Scenario(options).run();
      if (!promise.test(violations[0] ?? '')) continue;
      const shrunk = await shrink({ described: { seed }, violations }, { also });
      const small = { ...draw(shrunk.described), ...also };
      assert.ok(
        small.transactions * 2 <= options.transactions,
        `${small.transactions} of ${options.transactions}`,
      );
      assert.ok((shrunk.described.without ?? []).length >= 5, JSON.stringify(shrunk.described));
      const scenario = new Scenario(small);
      const again = await scenario.run();
      assert.deepEqual(again.violations, shrunk.violations);
      const story = storyOf(scenario, again.violations);
      assert.ok(story.length > 4 && story.length <= STORY_LINES_MAX, story.join('\n'));
      assert.match(story[0] ?? '', promise);
      assert.ok(
        story.some((line) => line.includes('starts t')),
        story.join('\n'),
      );
      context.diagnostic(`${shrunk.worlds} worlds, ${JSON.stringify(shrunk.described)}\n${story.join('\n')}`);
      return;
    }
    assert.fail(`not seen in ${SEEDS_MAX} worlds`);
  });
