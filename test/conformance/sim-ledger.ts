/** The simulated ledger as the contract suite of `Ledger` wants it: without faults, but for those that a test asks for. */
import type {
  CommitUnderWay,
  LedgerFixture,
  Loss,
  LossyLedger,
} from '../../src/conformance/ledger-fixture.ts';
import type { Commit, LedgerIdentity } from '../../src/engine/ports-ledger.ts';
import { NO_FAULTS } from '../../src/sim/faults.ts';
import { type Passage, SimLedger } from '../../src/sim/ledger.ts';
import { placeOf } from '../../src/sim/ledger-rows.ts';
import { SimLedgerServer, slotsOf } from '../../src/sim/ledger-server.ts';
import { SimLedgerStore } from '../../src/sim/ledger-store.ts';
import { SimProcess } from '../../src/sim/process.ts';
import { RandomStream } from '../../src/sim/random.ts';
import { Pump, TestWorld } from './pump.ts';

const ANSWERED: Passage = { arrivesMs: 1, lastsMs: 0, lostMs: null };
/** Later than what a test does meanwhile, which takes milliseconds of virtual time. */
const LATE_MS = 10_000;
const LOST: Readonly<Record<Loss, Passage>> = {
  landed: { arrivesMs: 1, lastsMs: 0, lostMs: 5 },
  never: { arrivesMs: null, lastsMs: 0, lostMs: 5 },
  late: { arrivesMs: LATE_MS, lastsMs: 0, lostMs: 5 },
};
const POLL_MS = 0.1;

export class SimLedgerFixture implements LedgerFixture {
  readonly growth = true;
  readonly unstorable = 'a\u0000b';
  readonly virtual = new TestWorld();
  readonly store: SimLedgerStore;
  readonly server: SimLedgerServer;
  readonly #pump = new Pump(this.virtual);
  #opened = 0;

  /** `clock`: the database clock, Unix time in whole ms. */
  constructor(clock: () => number = Date.now) {
    this.store = new SimLedgerStore(clock);
    this.server = new SimLedgerServer(this.virtual, this.store);
  }

  open(identity: LedgerIdentity): Promise<SimLedger> {
    return Promise.resolve(this.#open(identity, () => ANSWERED));
  }

  #open(identity: LedgerIdentity, passage: () => Passage): SimLedger {
    this.#opened += 1;
    return new SimLedger({
      virtual: this.virtual,
      process: new SimProcess(this.virtual, `client ${this.#opened}`),
      server: this.server,
      identity,
      random: new RandomStream(this.#opened, 'client'),
      faults: () => NO_FAULTS,
      unstorable: 0,
      passage,
    });
  }

  async setLocation(location: string, settings: { concurrency: number | null; paused: boolean }) {
    this.store.setLocation(location, settings);
  }

  async counters(topic: string, partition: number) {
    const known = this.store.partitions.get(placeOf(topic, partition));
    const { rolledBack = 0, deadLetters = 0, duplicates = 0, skipped = 0 } = known ?? {};
    return { rolledBack, deadLetters, duplicates, skipped };
  }

  /** Beginnings that come from no state are plain, which the history need not hold. */
  async history(id: string) {
    return this.store.transitions.flatMap(({ id: of, event, from, to, worker, epoch }) =>
      of === id && from !== 'none' ? [{ event, from, to, worker, epoch }] : [],
    );
  }

  async propose(topic: string, command: Parameters<LedgerFixture['propose']>[1]): Promise<number> {
    const sequence = this.store.commands.size + 1;
    this.store.commands.set(sequence, {
      topic,
      command: { ...command, sequence },
      outcome: null,
      found: null,
    });
    return sequence;
  }

  async outcomeOf(command: number) {
    return this.store.commands.get(command)?.outcome ?? null;
  }

  async underWay(identity: LedgerIdentity, commit: Commit): Promise<CommitUnderWay> {
    const { locks } = this.server;
    const rows = commit.heads.map(({ partition }) => placeOf(identity.topic, partition));
    const places = [...rows, ...slotsOf(this.store, commit)];
    const release = await new Promise<() => void>((granted, refused) =>
      locks.take({ places, granted, refused }),
    );
    return {
      waitedFor: async () => {
        while (!places.some((place) => locks.waiting(place) > 0)) await this.virtual.sleep(POLL_MS);
      },
      finish: async () => {
        this.store.commit(identity, commit);
        release();
      },
    };
  }

  async openLossy(identity: LedgerIdentity): Promise<LossyLedger> {
    let next: Loss | null = null;
    const ledger = this.#open(identity, () => {
      const passage = next === null ? ANSWERED : LOST[next];
      next = null;
      return passage;
    });
    return {
      ledger,
      loseNext: (how) => {
        next = how;
      },
      deliver: () => this.virtual.sleep(LATE_MS),
    };
  }

  async close(): Promise<void> {
    this.#pump.stop();
  }
}
