/** A test on a stage of its own: skipped, with the reason, where there is no broker; the logs are kept when it fails. */
import { type TestContext, test } from 'node:test';
import { Stage, type StageSettings } from './stage.ts';

export function stageTest(
  name: string,
  settings: StageSettings,
  run: (stage: Stage, context: TestContext) => Promise<void>,
): void {
  test(name, async (context) => {
    const stage = await Stage.open(settings);
    if ('skip' in stage) return context.skip(stage.skip);
    let passed = false;
    try {
      await run(stage, context);
      passed = true;
    } finally {
      await stage.close(passed);
    }
  });
}
