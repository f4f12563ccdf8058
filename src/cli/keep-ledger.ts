/** Starts the embedded Postgres again when it died: nobody else would, and the worker waits for it. */
import type { Config } from '../config/config.ts';
import type { World } from '../engine/ports.ts';
import { embeddedRuns, startLedger } from './compose-ledger.ts';

/** How often it is looked at: well inside the 15 s in which work should resume after a crash. */
const LOOK_MS = 2_000;

/** Returns what ends the keeping. `say` is told when it is started again, and when it cannot be. */
export function keepLedger(config: Config, world: World, say: (text: string) => void): () => void {
  let kept = config.ledger.urls.length === 0;
  const look = async () => {
    if (await embeddedRuns(config)) return;
    if (!kept) return;
    say('the embedded Postgres does not run: it is started again');
    await startLedger(config, (text) => say(`embedded Postgres: ${text}`));
  };
  const again = () => {
    world.after(LOOK_MS, () => {
      if (!kept) return;
      void look()
        .catch((error: unknown) => say(`the embedded Postgres cannot be started: ${String(error)}`))
        .finally(again);
    });
  };
  if (kept) again();
  return () => {
    kept = false;
  };
}
