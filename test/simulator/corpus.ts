/** Worlds that once failed, kept for ever and run by the tests; each says what it found. */
import { type Described, draw } from '../../src/sim/draw.ts';
import type { ScenarioOptions } from '../../src/sim/scenario.ts';
import { swarm } from '../../src/sim/swarm.ts';

interface Found {
  readonly what: string;
  readonly options: ScenarioOptions;
}

export const CORPUS: readonly Found[] = [
  early(
    48,
    'A lost commit whose watermark had not changed was taken for landed: no published number was written.',
  ),
  early(
    257,
    'A partition that was fenced while its fetch was paused stayed paused after it had been taken over.',
  ),
  early(89, 'Rows were parked while their lane was being read: nobody read them afterwards.'),
  early(
    654,
    'A partition taken over while limits were being read never heard that its location was free again.',
  ),
  early(
    876,
    'Several people cancelled one parked row in a lost commit: it was taken out of its lane for each.',
  ),
  found(
    { seed: 65, without: ['results', 'kills', 'cuts', 'rebalances', 'failovers'] },
    'A transaction ran out of time in a lost commit that began its record once more: taken for expired unbegun, its result was published without evidence.',
  ),
  found(
    {
      seed: 160,
      without: ['commits', 'ledger', 'unstorable', 'calls', 'kills', 'stops', 'cuts', 'failovers', 'records'],
    },
    'A person had decided to roll back in doubt; the reversal was refused, and the step counted as undone by hand.',
  ),
  found(
    { seed: 1613, without: ['answers', 'results', 'stops', 'cuts', 'rebalances', 'failovers', 'stuck'] },
    'Evidence that the ledger could not store: published without it first, as an empty object by the next owner.',
  ),
];

/** Plans of the exhaustive mode that once failed. */
export const PLANS: readonly { readonly what: string; readonly plan: string }[] = [
  {
    plan: 'zombie at page-read, then zombie at taken-over',
    what: 'More parked rows than were told, because somebody else had parked them: the worker stopped for a bug.',
  },
  {
    plan: 'zombie at page-read, then cut at settling',
    what: 'A lost commit was settled when its partition had been taken over again: the newer epoch was given up.',
  },
];

function found(described: Described, what: string): Found {
  return { what, options: draw(described) };
}

/** Before there were families of worlds all were drawn by `swarm`. */
function early(seed: number, what: string): Found {
  return { what, options: swarm(seed) };
}
