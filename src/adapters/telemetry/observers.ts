/** Several observers as one: each is told everything, in the order given. */
import type { Observer } from '../../engine/options.ts';

export function observers(...all: readonly Observer[]): Observer {
  return {
    problem: (error, context) => {
      for (const each of all) each.problem(error, context);
    },
    handOver: (event) => {
      for (const each of all) each.handOver(event);
    },
    committed: (event) => {
      for (const each of all) each.committed(event);
    },
    called: (event) => {
      for (const each of all) each.called(event);
    },
    finished: (event) => {
      for (const each of all) each.finished(event);
    },
    deadLetter: (event) => {
      for (const each of all) each.deadLetter(event);
    },
  };
}
