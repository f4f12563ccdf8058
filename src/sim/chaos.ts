/** Breaks a simulated world, about as often as its faults say: workers, their links, the group, the ledger. */
import type { SimBroker } from './broker.ts';
import { type Crew, SESSION_TIMEOUT_MS } from './crew.ts';
import { copyOf, failOver, type LedgerCopy } from './failover.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import type { SimLedgerServer } from './ledger-server.ts';
import { LINKS } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Site } from './site.ts';
import type { VirtualWorld } from './world.ts';

export interface ChaosOptions {
  readonly virtual: VirtualWorld;
  readonly random: RandomStream;
  readonly broker: SimBroker;
  readonly server: SimLedgerServer;
  readonly site: Site;
  readonly crew: Crew;
  readonly faults: () => Faults;
  readonly count: (what: string) => void;
}

const TICK_MS = 100;
const RESTART_MS_MAX = 5_000;
/** A stop or a cut lasts up to this long: often past the session. */
const AWAY_MS_MAX = 3 * SESSION_TIMEOUT_MS;
const COPY_EVERY_MS = 500;

export class Chaos {
  readonly #options: ChaosOptions;
  #copies: readonly { readonly atMs: number; readonly copy: LedgerCopy }[] = [];
  /** How often the ledger has lost history. */
  failovers = 0;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  /** Goes on until there are no faults any more. */
  tick(): void {
    const { virtual, random, broker, crew, faults, count } = this.#options;
    const rates = faults();
    const happens = (perSecond: number) => random.chance((perSecond * TICK_MS) / 1_000);
    const running = crew.running();
    const some = running.length > 0;
    if (some && happens(rates.killsPerSecond)) {
      crew.kill(random.pick(running), random.between(0, RESTART_MS_MAX));
    } else if (some && happens(rates.stopsPerSecond)) {
      crew.stop(random.pick(running), random.between(100, AWAY_MS_MAX));
    } else if (happens(rates.rebalancesPerSecond)) {
      broker.rebalance(true);
      count('rebalanced');
    }
    if (some && rates.cutsPerSecond > 0 && happens(rates.cutsPerSecond)) {
      const links = random.chance(0.3) ? LINKS : [random.pick(LINKS)];
      crew.cut(random.pick(running), links, random.between(100, AWAY_MS_MAX));
    }
    if (rates.failoversPerSecond > 0) this.#ledgerTick(happens(rates.failoversPerSecond));
    if (rates !== NO_FAULTS) virtual.after(TICK_MS, () => this.tick());
  }

  /** The standby's copy is half a second to a second old. */
  #ledgerTick(fails: boolean): void {
    const { virtual, server, site, count } = this.#options;
    if (fails && this.#copies[0] !== undefined) {
      if (site.effects.some(({ endedMs }) => endedMs === null))
        virtual.sometimes('the ledger lost history while effects were under way');
      failOver(server.store, this.#copies[0].copy);
      server.replaced();
      this.#copies = [];
      this.failovers += 1;
      count('failed-over');
    }
    if (virtual.elapsedMs - (this.#copies.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) < COPY_EVERY_MS) return;
    this.#copies = [...this.#copies.slice(-1), { atMs: virtual.elapsedMs, copy: copyOf(server.store) }];
  }
}
