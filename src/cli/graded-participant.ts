/** A participant whose grade the configuration knows better than its own capabilities say (contract 6). */
import type { Grade } from '../core/grade.ts';
import type { Capabilities, Participant } from '../engine/ports.ts';

/** What a participant of a grade can do, where it does not say so itself. */
const KNOWN: Readonly<Record<Grade, Omit<Capabilities, 'contract' | 'grade' | 'retentionSeconds'>>> = {
  G3: { replay: true, fence: true, status: true, reverse: true },
  G2: { replay: true, fence: false, status: false, reverse: false },
  G1: { replay: false, fence: false, status: true, reverse: false },
  G0: { replay: false, fence: false, status: false, reverse: false },
};
/** The dedupe window of 35 days. */
const RETENTION_SECONDS = 3_024_000;

export function graded(participant: Participant, grade: Grade): Participant {
  return {
    execute: (call) => participant.execute(call),
    status: (call) => participant.status(call),
    reverse: (call) => participant.reverse(call),
    capabilities: async (location) => {
      const own = await participant.capabilities(location);
      const known =
        typeof own === 'string' ? { contract: 1, retentionSeconds: RETENTION_SECONDS, ...KNOWN[grade] } : own;
      return { ...known, grade };
    },
    close: () => participant.close(),
  };
}
