import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetStatus } from '../engine/ports-read.ts';
import { LiveArea } from './live-area.ts';
import { cut, type SummaryState, summaryBlock, summaryLine } from './summary.ts';

const fleet: FleetStatus = {
  topic: 't',
  group: 'g',
  asOf: '2026-11-25T12:00:00.000Z',
  completed: 1_234,
  rolledBack: 5,
  deadLetters: 0,
  duplicates: 0,
  executing: 20,
  inDoubt: 1,
  reversing: 0,
  held: 0,
  parked: 0,
  waiting: 7,
  workers: [],
  partitions: [],
};
const state: SummaryState = {
  fleet,
  ledgerReachable: true,
  rate: 61.25,
  proof: {
    overlaps: 0,
    doubled: 0,
    lost: 2,
    checkedRecords: 9,
    checkedEffects: 8,
    open: 1,
    p50Ms: 430,
    p99Ms: 2_100,
  },
  url: 'http://127.0.0.1:7070',
  heldBack: null,
};
const plain = (text: string) => text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');

describe('summary', () => {
  it('is one line for a log', () => {
    assert.equal(
      summaryLine(state),
      '12:00:00  61.3/s  completed 1,234  rolled back 5  in doubt 1  waiting 7  p50 0.43 s p99 2.10 s  overlaps 0 lost 2 double effects 0',
    );
  });

  it('is a block for a terminal', () => {
    const text = plain(summaryBlock(state, 200).join('\n'));
    assert.match(text, /61\.3 transactions\/s +completed 1,234/);
    assert.match(text, /overlaps 0 +lost {2}2 +double effects 0 +checked 9 records, 8 effects/);
    assert.match(text, /workers none alive/);
    assert.match(text, /as of 12:00:00 UTC/);
  });

  it('says what was not checked, what is stale, and why traffic is held back', () => {
    const proof = { ...state.proof, overlaps: null, lost: null, doubled: null };
    const away = { ...state, ledgerReachable: false, heldBack: '5000 records wait', proof };
    assert.match(
      summaryLine(away),
      /overlaps \(nothing checked\).*STALE.*traffic held back: 5000 records wait/,
    );
    assert.match(plain(summaryBlock(away, 200).join('\n')), /nothing checked.*STALE.*traffic held back/s);
    assert.match(summaryLine({ ...state, fleet: null }), /waiting for the first answer/);
  });

  it('cuts to a width without counting colours', () => {
    const red = (text: string) => `\x1b[31m${text}\x1b[0m`;
    assert.equal(plain(cut(`ab${red('cd')}ef`, 3)), 'abc');
    assert.equal(cut(`ab${red('cd')}ef`, 6), `ab${red('cd')}ef`);
    assert.equal(plain(cut('abcdef', 2)), 'ab');
  });
});

describe('LiveArea', () => {
  it('redraws in place, and prints lines above', () => {
    const written: string[] = [];
    const area = new LiveArea((text) => written.push(text), true);
    area.draw(['one', 'two']);
    area.draw(['three']);
    area.print('event');
    area.draw(['four']);
    assert.deepEqual(written, ['one\ntwo\n', '\x1b[2A\x1b[0Jthree\n', '\x1b[1A\x1b[0Jevent\n', 'four\n']);
  });

  it('draws nothing without a terminal', () => {
    const written: string[] = [];
    const area = new LiveArea((text) => written.push(text), false);
    area.draw(['one']);
    area.print('event');
    assert.deepEqual(written, ['event\n']);
  });
});
