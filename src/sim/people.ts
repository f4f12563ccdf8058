/**
 * What people and machines do to single locations of a simulated world: a location that is stuck for a while, limits
 * that operators set, decisions about transactions, right and wrong. Draws from a stream of its own.
 */
import { COMMAND_ACTIONS, COMMAND_STATES, type CommandAction } from '../core/commands.ts';
import type { Grade } from '../core/grade.ts';
import { standInPlan, stepKey } from '../core/plan.ts';
import { isFinal } from '../core/states.ts';
import type { SimRow } from './ledger-rows.ts';
import type { SimLedgerStore } from './ledger-store.ts';
import type { RandomStream } from './random.ts';
import type { Site } from './site.ts';
import type { VirtualWorld } from './world.ts';

/** Events per second of virtual time. */
export interface PeopleRates {
  readonly stuckPerSecond: number;
  readonly limitsPerSecond: number;
  readonly commandsPerSecond: number;
}

export interface PeopleOptions {
  readonly virtual: VirtualWorld;
  readonly random: RandomStream;
  readonly store: SimLedgerStore;
  readonly site: Site;
  readonly locations: number;
  readonly rates: PeopleRates;
  readonly grade: Grade;
  readonly count: (what: string) => void;
}

const TICK_MS = 100;
/** Longest time a location is stuck, in ms: its lane is parked long before. */
const STUCK_MS_MAX = 20_000;
/** Longer than any packet is on its way, and any effect takes. */
const LATE_PACKETS_MS = 60_000;
/** One in so many commands was decided on what is no longer so. */
const WRONG_EVERY = 5;

export class People {
  readonly #options: PeopleOptions;
  #healed = false;
  #healedAtMs = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#tick();
  }

  /** Limits are taken back; from now on held transactions are asked about until none is left. */
  heal(): void {
    this.#healed = true;
    this.#healedAtMs = this.#options.virtual.elapsedMs;
    for (const location of this.#options.store.locations.keys())
      this.#options.store.setLocation(location, { concurrency: null, paused: false });
  }

  #tick(): void {
    const { virtual, random, rates } = this.#options;
    const happens = (perSecond: number) => random.chance((perSecond * TICK_MS) / 1_000);
    if (this.#healed) {
      for (const row of this.#rows(({ state }) => state === 'held')) this.#settleHeld(row);
    } else {
      if (happens(rates.stuckPerSecond)) this.#stick();
      if (happens(rates.limitsPerSecond)) this.#limit();
      if (happens(rates.commandsPerSecond)) this.#command();
    }
    virtual.after(TICK_MS, () => this.#tick());
  }

  #location(): string {
    return `L${this.#options.random.between(1, this.#options.locations)}`;
  }

  #stick(): void {
    const { site, random, virtual, count } = this.#options;
    site.stick(this.#location(), virtual.elapsedMs + random.between(500, STUCK_MS_MAX));
    count('stuck');
  }

  #limit(): void {
    const { store, random, count } = this.#options;
    const paused = random.chance(0.5);
    const concurrency = random.chance(0.5) ? 1 : null;
    store.setLocation(this.#location(), { concurrency, paused });
    count(paused ? 'paused' : 'limited');
  }

  #command(): void {
    const { random } = this.#options;
    const rows = this.#rows(({ state }) => !isFinal(state) && state !== 'executing');
    if (rows.length === 0) return;
    const row = random.pick(rows);
    const actions = COMMAND_ACTIONS.filter(
      (action) => COMMAND_STATES[action].includes(row.state) && this.#isTrue(action, row),
    );
    if (actions.length === 0) return;
    const action = random.pick(actions);
    if (action === 'roll_back' && wasNotUndone(row)) this.#rollBackByHand(row);
    else this.#propose(row, action);
  }

  /** Who rolls back what could not be undone says that it was undone by hand: so it is, and nobody else decides anything. */
  #rollBackByHand(row: SimRow): void {
    if (this.#isDecided(row)) return;
    this.#options.site.undoByHand(currentKey(row));
    this.#propose(row, 'roll_back');
  }

  #isDecided({ id }: SimRow): boolean {
    for (const { command, outcome } of this.#options.store.commands.values())
      if (command.id === id && outcome === null) return true;
    return false;
  }

  /** A person who says that a step took effect has looked. */
  #isTrue(action: CommandAction, row: SimRow): boolean {
    return action !== 'complete' || this.#options.site.recorded(currentKey(row)) === 'done';
  }

  /** At G3 the question is enough; below, somebody goes and looks when nothing can be on its way any more. */
  #settleHeld(row: SimRow): void {
    const { grade, site, virtual } = this.#options;
    if (this.#isDecided(row)) return;
    if (wasNotUndone(row)) {
      this.#rollBackByHand(row);
      return;
    }
    if (grade === 'G3') {
      this.#propose(row, 'ask');
      return;
    }
    if (virtual.elapsedMs < this.#healedAtMs + LATE_PACKETS_MS) return;
    const found = site.recorded(currentKey(row));
    if (found !== 'started' && found !== 'undoing')
      this.#propose(row, found === 'done' ? 'complete' : 'roll_back');
  }

  #propose(row: SimRow, action: CommandAction): void {
    const { store, random, count } = this.#options;
    const sequence = store.commands.size + 1;
    const { partition, id, location, state: expectedState } = row;
    const wrong = !this.#healed && random.between(1, WRONG_EVERY) === 1;
    const token = row.state === 'received' ? null : row.token;
    const expectedToken = wrong && token !== null ? String(BigInt(token) + 1n) : token;
    const said = { evidence: null, reason: 'a simulated person', actor: 'people' };
    const command = { sequence, partition, id, location, action, expectedState, expectedToken, ...said };
    store.commands.set(sequence, { topic: row.topic, command, outcome: null, found: null });
    count(action);
  }

  #rows(wanted: (row: SimRow) => boolean): SimRow[] {
    return [...this.#options.store.rows.values()].filter(wanted);
  }
}

/** Held because a step is done and was not undone (SB-4203). */
function wasNotUndone({ state, code }: SimRow): boolean {
  return state === 'held' && code === 'SB-4203';
}

/** The key of the step it is at. */
function currentKey({ id, type, plan, step }: SimRow): string {
  return stepKey(id, standInPlan(type, plan).steps[step]?.name ?? '');
}
