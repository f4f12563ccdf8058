/**
 * The workers of a run, as a supervisor keeps them: whoever ends is replaced at its place. After its first worker
 * each place gets armed ones: they end themselves at a named point, and it is seen to that they come there.
 *
 * C1 A worker that ends before its point gives its arm back; an arm counts when its worker has said so and is dead.
 * C2 One thing at a time is done to the worker of a place, and to a server (`turns`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KILLED_AT } from '../../src/cli/kill-point.ts';
import type { Exit } from '../rig/child.ts';
import type { Stage } from '../rig/stage.ts';
import type { FaultLog } from './fault-log.ts';
import { provoke } from './provoke.ts';
import type { Arm } from './schedule.ts';
import { Turns } from './turns.ts';

export interface CrewSettings {
  readonly stage: Stage;
  readonly log: FaultLog;
  readonly places: number;
  readonly locations: number;
  readonly arms: readonly Arm[];
}

interface Place {
  readonly number: number;
  worker: string;
  ready: boolean;
}

/** A supervisor is about as quick. */
const RESTART_MS = 300;
const READY_MS = 60_000;

export class Crew {
  readonly turns = new Turns();
  readonly #settings: CrewSettings;
  readonly #queue: Arm[];
  readonly #places: Place[];
  readonly #running: Promise<void>[] = [];
  readonly #strange: string[] = [];
  readonly #expected = new Set<string>();
  #hit = 0;
  #ending = false;

  constructor(settings: CrewSettings) {
    this.#settings = settings;
    this.#queue = [...settings.arms];
    this.#places = Array.from({ length: settings.places }, (_, number) => ({
      number,
      worker: '',
      ready: false,
    }));
  }

  start(): void {
    for (const place of this.#places) {
      const keeping = this.#keep(place);
      keeping.catch(() => undefined); // told by `end`
      this.#running.push(keeping);
    }
  }

  /** Arms that have done their work. */
  get hit(): number {
    return this.#hit;
  }

  /** Ends that nobody caused. */
  get strange(): readonly string[] {
    return this.#strange;
  }

  get workers(): string[] {
    return this.#places.map(({ worker }) => worker);
  }

  get allReady(): boolean {
    return this.#places.every(({ ready }) => ready);
  }

  /** The worker of the place if it is ready. */
  readyAt(number: number): string | null {
    const place = this.#placeOf(number);
    return place.ready ? place.worker : null;
  }

  /** Its worker is ready and nothing is being done to it. */
  isFree(number: number): boolean {
    return this.readyAt(number) !== null && !this.turns.isTaken(turnOf(number));
  }

  /** C2. */
  exclusive<T>(number: number, work: () => Promise<T>): Promise<T> {
    return this.turns.take(turnOf(number), work);
  }

  /** SIGKILL, to the worker that is there now. */
  kill(worker: string): void {
    this.#expected.add(worker);
    this.#settings.stage.fleet.signal(worker, 'SIGKILL');
  }

  /** SIGTERM, and its end. */
  stop(worker: string): Promise<Exit> {
    this.#expected.add(worker);
    return this.#settings.stage.fleet.stop(worker);
  }

  /** From now on nobody is replaced. Rejects when keeping a place has failed. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#settings.stage.fleet.stopAll();
    await Promise.all(this.#running);
  }

  #placeOf(number: number): Place {
    const place = this.#places[number];
    if (place === undefined) throw new Error(`there is no place ${number}`);
    return place;
  }

  async #keep(place: Place): Promise<void> {
    const { stage } = this.#settings;
    for (let generation = 1; !this.#ending; generation += 1) {
      const name = `w${place.number + 1}-${generation}`;
      const arm = generation === 1 ? null : (this.#queue.shift() ?? null);
      const more = arm === null ? {} : { SIGNALBOX_KILL_AT: `${arm.point}:${arm.passing}` };
      place.worker = name;
      stage.launchAt(place.number, name, more);
      const exit = await this.#untilEnd(place, arm);
      this.#judge(name, arm, exit);
      await delay(RESTART_MS);
    }
  }

  async #untilEnd(place: Place, arm: Arm | null): Promise<Exit> {
    const { stage } = this.#settings;
    const { worker } = place;
    const over = new AbortController();
    const becomingReady = stage.fleet.ready(worker, READY_MS).then(
      () => {
        place.ready = !over.signal.aborted;
      },
      () => undefined,
    );
    const provoking = arm === null ? null : becomingReady.then(() => this.#provoke(place, arm, over.signal));
    const exit = await stage.fleet.exited(worker);
    over.abort();
    await provoking;
    place.ready = false;
    return exit;
  }

  async #provoke(place: Place, { point }: Arm, signal: AbortSignal): Promise<void> {
    const { stage, log, locations } = this.#settings;
    const { number, worker } = place;
    const links = stage.links[number];
    if (links === undefined || signal.aborted) return;
    const stop = () =>
      this.exclusive(number, async () => {
        if (!signal.aborted) await this.stop(worker);
      });
    await provoke(point, { stage, log, locations, worker, links, signal, stop });
  }

  #judge(name: string, arm: Arm | null, { code, atMs }: Exit): void {
    const { stage, log } = this.#settings;
    const said = stage.fleet.said(name, KILLED_AT);
    if (arm !== null && said !== null) {
      log.hit(arm.point, name, atMs);
      this.#hit += 1;
      return;
    }
    if (arm !== null) this.#queue.unshift(arm);
    if (this.#ending || this.#expected.has(name)) return;
    this.#strange.push(`${name} ended by itself with ${code === null ? 'a signal' : `code ${code}`}`);
  }
}

function turnOf(place: number): string {
  return `place ${place}`;
}
