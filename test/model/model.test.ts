/** The model of model/ and the code speak of the same states; TLC finds what a mutation breaks, and nothing without. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CASES } from '../../model/cases.ts';
import { STATES_FILE, statesModule, takenTransitions } from '../../model/module-text.ts';
import { agrees, findTlc, runCase, type Tlc, told } from '../../model/tlc.ts';
import { defaultJarPath, ModelUnavailable } from '../../model/tlc-jar.ts';
import { TRANSITIONS, type Transition } from '../../src/core/states.ts';
import { defaultCommands } from '../../src/demo/local-broker-jars.ts';

/** What the model leaves out: time, grades G1 and G0, a participant's own restore, repeated doubt, people's guesses. */
const NOT_MODELLED = new Set([
  'none expire rolled_back',
  'received expire rolled_back',
  'executing stale in_doubt',
  'in_doubt never held',
  'in_doubt retry in_doubt',
  'in_doubt unknown in_doubt',
  'in_doubt stale in_doubt',
  'in_doubt takeover in_doubt',
  'in_doubt decide completed',
  'in_doubt decide rolled_back',
  'reversing unknown reversing',
  'reversing stale reversing',
  'reversing takeover reversing',
  'reversing decide rolled_back',
  'held takeover held',
  'held decide completed',
  'held decide rolled_back',
]);
/** Each takes seconds; `npm run model` runs all of them. */
const QUICK = [
  'bad-no-epoch',
  'bad-status-no-fence',
  'bad-park-tail',
  'bad-fenced-gives-up',
  'ok-two-slots-zombie',
];
const LIMIT = { limitSeconds: 240, heapMb: 1_024 };

const nameOf = ({ from, event, to }: Transition): string => `${from} ${event} ${to}`;

/** Null, and why, where TLC cannot run; in CI that is a failure. */
async function tlcOrReason(): Promise<Tlc | string> {
  const onProgress = (text: string): void => console.error(text);
  try {
    return await findTlc(defaultCommands().java, { path: defaultJarPath(), python: 'python3', onProgress });
  } catch (error) {
    if (!(error instanceof ModelUnavailable) || process.env.CI) throw error;
    return `THE MODEL IS NOT CHECKED: ${error.message}`;
  }
}

describe('model', () => {
  it('has the states and transitions of the code', () => {
    assert.equal(readFileSync(STATES_FILE, 'utf8'), statesModule(), 'npm run model -- --write-states');
  });

  it('takes transitions of the code only, and says which it leaves out', () => {
    const taken = new Set(takenTransitions().map(nameOf));
    const left = TRANSITIONS.map(nameOf).filter((name) => !taken.has(name));
    assert.deepEqual(new Set(left), NOT_MODELLED);
  });

  it('TLC finds what each mutation breaks, and nothing in the protocol as it is', async (context) => {
    const tlc = await tlcOrReason();
    if (typeof tlc === 'string') return context.skip(tlc);
    for (const name of QUICK) {
      const which = CASES.find((each) => each.name === name);
      assert.ok(which !== undefined, name);
      const { found, output } = await runCase(tlc, which, LIMIT);
      assert.ok(agrees(found, which.expected), `${name}: ${told(found)}\n${output.slice(-2_000)}`);
    }
  });
});
