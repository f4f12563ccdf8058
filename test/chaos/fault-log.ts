/** What was done to a run, when, to whom, and whether it took hold: for verdicts, stories and people. */
import type { Point } from '../../src/engine/points.ts';
import { FAULT_KINDS, type Fault, type FaultKind, type Schedule } from './schedule.ts';

export interface FaultEntry {
  readonly kind: FaultKind | 'kill-point' | 'provoked';
  /** Name of the worker or server concerned. */
  readonly target: string;
  readonly fromMs: number;
  /** Null while it lasts. */
  readonly toMs: number | null;
  /** It changed something: a connection broke, a process ended … */
  readonly fired: boolean;
  readonly detail: string;
}

export class FaultLog {
  readonly #entries: FaultEntry[] = [];
  readonly #hits = new Map<Point, number>();

  get entries(): readonly FaultEntry[] {
    return this.#entries;
  }

  /** How often each point has ended a worker. */
  get hits(): ReadonlyMap<Point, number> {
    return this.#hits;
  }

  /** Notes the beginning; what is returned notes the end. */
  begin(kind: FaultEntry['kind'], target: string, detail = ''): (fired: boolean, more?: string) => void {
    const index = this.#entries.length;
    const entry: FaultEntry = { kind, target, fromMs: Date.now(), toMs: null, fired: false, detail };
    this.#entries.push(entry);
    return (fired, more = '') => {
      const text = [detail, more].filter((part) => part !== '').join('; ');
      this.#entries[index] = { ...entry, toMs: Date.now(), fired, detail: text };
    };
  }

  hit(point: Point, worker: string, atMs: number): void {
    this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1);
    this.#entries.push({
      kind: 'kill-point',
      target: worker,
      fromMs: atMs,
      toMs: atMs,
      fired: true,
      detail: point,
    });
  }

  /** Those that took hold, kill points included. */
  get fired(): readonly FaultEntry[] {
    return this.#entries.filter(({ kind, fired }) => fired && kind !== 'provoked');
  }

  /** Planned faults, one of each kind that has not taken hold yet. */
  unfired({ faults }: Pick<Schedule, 'faults'>): Fault[] {
    const fired = new Set(this.fired.map(({ kind }) => kind));
    return FAULT_KINDS.flatMap((kind) => {
      const planned = fired.has(kind) ? undefined : faults.find((fault) => fault.kind === kind);
      return planned === undefined ? [] : [planned];
    });
  }

  /** A run in which a kind of fault never fired, or a kill point was hit too seldom, has shown nothing of it. */
  missing({ arms, faults }: Pick<Schedule, 'arms' | 'faults'>): string[] {
    const kinds = this.unfired({ faults }).map(({ kind }) => `the fault ${kind} never took hold`);
    const points = [...new Set(arms.map(({ point }) => point))].flatMap((point) => {
      const wanted = arms.filter((arm) => arm.point === point).length;
      const hit = this.#hits.get(point) ?? 0;
      return hit >= wanted ? [] : [`kill point ${point} was hit ${hit} times of ${wanted}`];
    });
    return [...kinds, ...points];
  }

  countsText(): string {
    const counts = Map.groupBy(this.fired, ({ kind }) => kind);
    return [...counts].map(([kind, entries]) => `${kind} ${entries.length}`).join(', ');
  }
}
