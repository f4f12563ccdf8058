/** The simulated site as the contract suite of `Participant` wants it: a network that takes no time and loses nothing. */
import type { Misbehaviour, ParticipantFixture } from '../../src/conformance/participant-fixture.ts';
import type { Grade } from '../../src/core/grade.ts';
import type { Participant } from '../../src/engine/ports.ts';
import { type Faults, NO_FAULTS } from '../../src/sim/faults.ts';
import { SimProcess } from '../../src/sim/process.ts';
import { RandomStream } from '../../src/sim/random.ts';
import { SimSite, type SiteDefect } from '../../src/sim/site.ts';
import { Pump, TestWorld } from './pump.ts';

const ANSWERS: Readonly<Record<'plain' | 'refused' | 'retry', Faults>> = {
  plain: NO_FAULTS,
  refused: { ...NO_FAULTS, refuse: 1 },
  retry: { ...NO_FAULTS, retry: 1 },
};

export interface SimSiteOptions {
  readonly grade?: Grade;
  readonly defect?: SiteDefect;
  readonly faults?: Partial<Faults>;
}

export class SimSiteFixture implements ParticipantFixture {
  readonly type = 'withdraw';
  readonly data = {};
  readonly virtual = new TestWorld();
  readonly participant: Participant;
  readonly misbehaviours: readonly Misbehaviour[] = [
    silent('silence', { callLost: 1 }),
    silent('an answer after an hour', { callLate: 1 }),
  ];
  readonly #site: SimSite;
  readonly #pump: Pump;
  #faults: Faults;

  constructor({ grade = 'G3', defect, faults = {} }: SimSiteOptions = {}) {
    this.#faults = { ...NO_FAULTS, ...faults };
    this.#site = new SimSite({
      virtual: this.virtual,
      random: new RandomStream(1, 'site'),
      faults: () => this.#faults,
      effectMs: [0, 2],
      defect: defect ?? null,
      grade,
    });
    this.participant = this.#site.participant(new SimProcess(this.virtual, 'caller'));
    this.#pump = new Pump(this.virtual);
  }

  async hold(location: string): Promise<void> {
    this.#site.stick(location, Number.POSITIVE_INFINITY);
  }

  async release(location: string): Promise<void> {
    this.#site.stick(location, this.virtual.elapsedMs);
  }

  async answerWith(what: 'plain' | 'refused' | 'retry'): Promise<void> {
    this.#faults = ANSWERS[what];
  }

  /** A refusal comes at the end of what looked like an effect. */
  async effects(key: string): Promise<number> {
    const mine = this.#site.effects.filter((effect) => effect.key === key);
    return mine.filter(({ endedMs, happened }) => endedMs === null || happened).length;
  }

  async close(): Promise<void> {
    this.#pump.stop();
  }
}

function silent(what: string, faults: Partial<Faults>): Misbehaviour {
  return {
    what,
    code: 'SB-4101',
    requests: 1,
    open: async () => {
      const fixture = new SimSiteFixture({ faults });
      let requests = 0;
      const counted = (kind: 'execute' | 'status' | 'reverse'): Participant['execute'] => {
        return (call) => {
          requests += 1;
          return fixture.participant[kind](call);
        };
      };
      const { participant } = fixture;
      return {
        participant: {
          execute: counted('execute'),
          status: counted('status'),
          reverse: counted('reverse'),
          capabilities: (location) => participant.capabilities(location),
          close: () => participant.close(),
        },
        requests: () => requests,
        close: () => fixture.close(),
      };
    },
  };
}
