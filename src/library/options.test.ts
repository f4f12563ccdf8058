/** What the compiler refuses of the options, and what is refused again when they come from somewhere else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSignalbox, SignalboxError, type StepFunctions } from '../index.ts';

const pay: StepFunctions = { execute: () => ({ outcome: 'done', evidence: {} }) };
const till = { steps: { pay } };

function refused(make: () => unknown, text: RegExp): void {
  assert.throws(make, (error) => {
    assert.ok(error instanceof SignalboxError && error.code === 'SB-5002' && error.final);
    assert.match(error.detail, text);
    return true;
  });
}

describe('options of an embedded Signalbox', () => {
  it('steps are those of their participants, in process or behind HTTP', () => {
    createSignalbox({
      types: { sale: { steps: [{ name: 'pay' }, { name: 'anything', participant: 'far' }] } },
      participants: { default: till, far: { url: 'http://127.0.0.1:1' } },
    });
    createSignalbox({
      participants: { till },
      types: { sale: { steps: [{ name: 'pay', participant: 'till', irreversible: true }] } },
    });
  });

  it('a step that its participant does not have', () => {
    refused(
      () =>
        createSignalbox({
          participants: { till },
          // @ts-expect-error there is no step pya
          types: { sale: { steps: [{ name: 'pya', participant: 'till' }] } },
        }),
      /^types\.sale\.steps\.0\.name: found "pya", allowed is one of the steps of till: pay$/,
    );
  });

  it('a participant that nobody named, and a step without one when none is the default', () => {
    refused(
      () =>
        createSignalbox({
          participants: { till },
          // @ts-expect-error there is no participant tall
          types: { sale: { steps: [{ name: 'pay', participant: 'tall' }] } },
        }),
      /participant: found "tall", allowed is one of: till/,
    );
    refused(
      () =>
        createSignalbox({
          participants: { till },
          // @ts-expect-error there is no participant default
          types: { sale: { steps: [{ name: 'pay' }] } },
        }),
      /participant: found "default", allowed is one of: till/,
    );
  });

  it('a fence that nothing raises, and one without replay: no such grade', () => {
    refused(
      () =>
        createSignalbox({
          participants: { till: { steps: { pay }, capabilities: { fence: true } } },
          types: { sale: { steps: [{ name: 'pay', participant: 'till' }] } },
        }),
      /steps\.pay\.status: found nothing[\s\S]*capabilities\.replay: found nothing/,
    );
  });

  it('all problems at once: settings of the service, misspelt ones, wrong values', () => {
    const options = {
      participants: { till },
      types: { sale: { steps: [{ name: 'pay', participant: 'till' }] } },
      api: { port: 80 },
      tpoic: 'x',
      concurrency: 0,
    } as const;
    refused(
      () => createSignalbox(options),
      /api: found a setting[\s\S]*concurrency: found 0|concurrency: found 0[\s\S]*api: found/,
    );
  });

  it('a type that is not among them cannot be submitted', async () => {
    const signalbox = createSignalbox({
      participants: { till },
      types: { sale: { steps: [{ name: 'pay', participant: 'till' }] } },
    });
    // @ts-expect-error there is no type sail
    await assert.rejects(signalbox.submit({ id: '1', type: 'sail', location: 'l' }), /SB-7004/);
    assert.deepEqual(signalbox.health().ready, false);
    assert.deepEqual(await signalbox.stop(), { clean: true });
  });
});
