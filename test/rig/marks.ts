/** Times of a run by name, and what happened between them. */
import type { Evidence } from '../../src/checkers/evidence.ts';

export class Marks {
  readonly #marks = new Map<string, number>([['start', 0]]);

  set(name: string): void {
    this.#marks.set(name, Date.now());
  }

  /** Unix time in ms. */
  at(name: string): number {
    const atMs = this.#marks.get(name);
    if (atMs === undefined) throw new Error(`there is no mark ${name}`);
    return atMs;
  }

  /** For people: take-overs from each mark to the next. */
  takeOversText({ takeOvers }: Evidence): string {
    const marks = [...this.#marks];
    const phases = marks.map(([name, from], index) => {
      const to = marks[index + 1]?.[1] ?? Number.POSITIVE_INFINITY;
      return `${name} ${takeOvers.filter(({ atMs }) => atMs >= from && atMs < to).length}`;
    });
    return `take-overs from: ${phases.join(', ')}`;
  }
}
