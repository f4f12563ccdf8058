/** What the API reads and changes in the ledger of a configuration, opened together and closed together. */
import type { DeadLetters } from '../api/doors.ts';
import type { SignIn } from '../api/sign-in.ts';
import { type Config, isLoopback } from '../config/config.ts';
import { configuredTypes } from '../config/types.ts';
import type { TransactionSender, World } from '../engine/ports.ts';
import type { Lists } from '../engine/ports-lists.ts';
import type { Operations } from '../engine/ports-operate.ts';
import type { ReadModel } from '../engine/ports-read.ts';
import { discardDeadLetter, findDeadLetter, replayDeadLetter } from '../engine/replay-dead-letter.ts';
import {
  type LedgerAddress,
  openDeadLetterDesk,
  openLists,
  openOperations,
  openReadModel,
} from './compose-ledger.ts';

export interface ApiLedger {
  readonly read: ReadModel;
  readonly lists: Lists;
  readonly operations: Operations;
  readonly deadLetters: DeadLetters;
  close(): Promise<void>;
}

export async function openApiLedger(
  config: Config,
  address: LedgerAddress,
  { sender, world }: { readonly sender: TransactionSender; readonly world: World },
): Promise<ApiLedger> {
  const read = openReadModel(config, address);
  const [lists, operations, desk] = await Promise.all([
    openLists(config, address),
    openOperations(config, address),
    openDeadLetterDesk(config, address),
  ]);
  const types = configuredTypes(config);
  const { dedupeWindowMs } = config;
  return {
    read,
    lists,
    operations,
    deadLetters: {
      find: (at) => findDeadLetter(at, desk),
      replay: (replay) =>
        replayDeadLetter(replay, { desk, sender, types, nowMs: world.now(), dedupeWindowMs }),
      discard: (discarded) => discardDeadLetter(discarded, desk),
    },
    close: async () => {
      await Promise.all([read.close(), lists.close(), operations.close(), desk.close()]);
    },
  };
}

/** Null where no OpenID provider is configured. */
export async function openSignIn({ api }: Pick<Config, 'api'>): Promise<SignIn | null> {
  if (api.openId === null) return null;
  const { OpenIdSignIn } = await import('../adapters/open-id/open-id-sign-in.ts');
  return new OpenIdSignIn(api.openId, { insecure: isLoopback(new URL(api.openId.issuer).hostname) });
}
