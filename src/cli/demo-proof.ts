/** Where the three counters of the demo look: the ledger, its dead letters and limits, and the site's own journal. */
import type { Config } from '../config/config.ts';
import { configuredTypes } from '../config/types.ts';
import { Proof, type ProofDoors, type ProofState } from '../demo/proof.ts';
import type { World } from '../engine/ports.ts';
import type { ApiLedger } from './compose-api.ts';
import { siteFacts } from './demo-parts.ts';
import type { FleetWatch } from './fleet-watch.ts';

const DEAD_LETTERS_LOOKED_AT = { unresolved: false, code: null, limit: 1_000 };

interface Watched {
  readonly world: World;
  readonly config: Config;
  readonly rows: { read: ProofDoors['rows'] };
  readonly ledger: Pick<ApiLedger, 'read' | 'lists'>;
  readonly fleet: FleetWatch;
  readonly siteUrl: string;
}

export function demoProof(
  { world, config, rows, ledger, fleet, siteUrl }: Watched,
  state: ProofState | null,
): Proof {
  const doors: ProofDoors = {
    world,
    rows: (ids) => rows.read(ids),
    deadLetterIds: async () =>
      new Set((await ledger.read.deadLetters(DEAD_LETTERS_LOOKED_AT)).flatMap(({ id }) => id ?? [])),
    site: () => siteFacts(siteUrl),
    limits: () => ledger.lists.limits(),
    concurrencyOf: configuredTypes(config).concurrencyOf,
    idleSince: (sinceMs) => fleet.idleSince(sinceMs),
  };
  return new Proof(doors, state);
}
