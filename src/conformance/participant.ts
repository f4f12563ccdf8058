/**
 * Conformance suite of the port `Participant` at grade G3: the rules for participants, what needs a hand on the
 * machine (effects held under way, refusals, retries), random histories against a naive model, and the ways an
 * answer can fail to come. Run on the HTTP adapter against the simulated site and on the in-process adapter.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Caller, type Subject } from './participant-caller.ts';
import { copiesRace, MACHINE_CHECKS, randomHistories } from './participant-checks.ts';
import type { Misbehaviour, ParticipantFixture } from './participant-fixture.ts';
import { checkCapabilities, PARTICIPANT_RULES } from './participant-rules.ts';

const TIMEOUT_MS = 20_000;
/** Time-out of calls that are meant to run into it: long enough for the request to arrive on a busy machine. */
const SILENT_TIMEOUT_MS = 1_000;
/** A detail is read by people and stored with the row. */
const DETAIL_CHARACTERS_MAX = 1_000;

export function participantConformance(name: string, makeFixture: () => Promise<ParticipantFixture>): void {
  describe(`participant: ${name}`, () => {
    let fixture: ParticipantFixture;
    let places = 0;
    before(async () => {
      fixture = await makeFixture();
    });
    after(() => fixture.close());

    /** A place of its own for each test, so that none sees another's marks. */
    const newSubject = (): Subject => subjectAt(fixture, `place-${++places}`);
    const newCaller = (): Caller => new Caller(newSubject());

    it('says that it is G3', () => checkCapabilities(fixture.participant, 'conformance'));
    for (const { rule, name: what, check } of PARTICIPANT_RULES) {
      it(`${rule} ${what}`, () => check(newSubject()));
    }
    for (const [what, check] of MACHINE_CHECKS) it(what, () => check(fixture, newCaller()));
    it('agrees with a naive model over random histories', () => randomHistories(newCaller));
    it('copies, reordered and racing: one effect at most, and no untrue answer', () =>
      copiesRace(fixture, newCaller()));
    it('without an answer: unknown with the code, and no second request', async (t) => {
      assert.ok(fixture.misbehaviours.length > 0, 'the fixture knows a misbehaviour');
      for (const misbehaviour of fixture.misbehaviours) {
        await t.test(misbehaviour.what, () => endsUnknown(misbehaviour, newSubject()));
      }
    });
  });
}

function subjectAt(fixture: ParticipantFixture, location: string): Subject {
  const { participant, type, data } = fixture;
  const common = { participant, type, data, location, prefix: location };
  return { ...common, firstToken: 1n, timeoutMs: TIMEOUT_MS, hasStatus: true };
}

async function endsUnknown(misbehaviour: Misbehaviour, subject: Subject): Promise<void> {
  const { code, requests } = misbehaviour;
  const misbehaving = await misbehaviour.open();
  try {
    const { participant } = misbehaving;
    const timeoutMs = code === 'SB-4101' ? SILENT_TIMEOUT_MS : TIMEOUT_MS;
    const caller = new Caller({ ...subject, participant, timeoutMs });
    for (const [calls, kind] of (['execute', 'status', 'reverse'] as const).entries()) {
      const answer = await caller.call(kind, caller.key());
      assert.equal(answer.outcome, 'unknown', JSON.stringify(answer));
      assert.equal(answer.outcome === 'unknown' && answer.code, code, JSON.stringify(answer));
      assert.ok(answer.outcome === 'unknown' && answer.detail.length <= DETAIL_CHARACTERS_MAX);
      assert.equal(misbehaving.requests(), requests * (calls + 1), 'one call is one request');
    }
  } finally {
    await misbehaving.close();
  }
}
