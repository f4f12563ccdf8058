import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { afterSent, connectionError, notSent, sqlState } from './errors.ts';

function serverError(code: string): Error {
  return Object.assign(new Error(`server says ${code}`), { code, severity: 'ERROR' });
}

test('what a failure after sending means for the commit', () => {
  const table: readonly (readonly [string, string])[] = [
    ['22021', 'rejected'],
    ['22P05', 'rejected'],
    ['23505', 'rejected'],
    ['23514', 'rejected'],
    ['40P01', 'refused'],
    ['40001', 'refused'],
    ['55P03', 'refused'],
    ['57014', 'refused'],
    ['53100', 'refused'],
    ['53300', 'refused'],
    ['25006', 'refused'],
    ['42883', 'refused'],
    ['57P01', 'lost'],
    ['57P02', 'lost'],
    ['57P03', 'lost'],
    ['08006', 'lost'],
  ];
  for (const [state, failure] of table) assert.equal(afterSent(serverError(state)).failure, failure, state);
});

test('without an answer of the server a commit is lost', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), {
    code: 'ECONNRESET',
    errno: -104,
    syscall: 'read',
  });
  for (const error of [
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
    reset,
  ]) {
    assert.equal(afterSent(error).failure, 'lost');
    assert.equal(afterSent(error).cause, error);
  }
  assert.equal(
    sqlState(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    null,
    'five letters, no SQLSTATE',
  );
});

test('before anything was sent a commit is refused, with the cause for people', () => {
  const error = notSent(serverError('28P01'));
  assert.equal(error.failure, 'refused');
  assert(error.cause instanceof SignalboxError);
  assert.equal(error.cause.code, 'SB-2002');
  assert.match(error.message, /SB-2002/);
});

test('what keeps a person from the ledger has a code', () => {
  const table: readonly (readonly [string, string])[] = [
    ['28P01', 'SB-2002'],
    ['28000', 'SB-2002'],
    ['42501', 'SB-2009'],
    ['3D000', 'SB-2010'],
    ['3F000', 'SB-2003'],
    ['42P01', 'SB-2003'],
    ['42883', 'SB-2003'],
    ['57P03', 'SB-2001'],
    ['53300', 'SB-2001'],
  ];
  for (const [state, code] of table) assert.equal(connectionError(serverError(state)).code, code, state);
  const refused = new AggregateError([
    new Error('connect ECONNREFUSED ::1:5432'),
    new Error('connect 127.0.0.1:5432'),
  ]);
  assert.equal(connectionError(refused).code, 'SB-2001');
  assert.equal(connectionError(refused).detail, 'connect ECONNREFUSED ::1:5432; connect 127.0.0.1:5432');
  const known = new SignalboxError('SB-2004');
  assert.equal(connectionError(known), known);
});
