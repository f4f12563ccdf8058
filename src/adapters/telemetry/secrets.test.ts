/** Secrets stay out of logs, errors and answers: every place where a person reads what a process was given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ledgerName, logName, participantNames, realWorld } from '../../cli/compose.ts';
import { loadConfig } from '../../config/load-config.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { LogObserver } from './log-observer.ts';
import { createLogger } from './logger.ts';

const SECRETS = ['pg-secret', 'sasl-secret', 'session-secret-session-secret-session', 'header-secret'];

const environment = {
  DATABASE_URL: 'postgres://user:pg-secret@db:5432/ledger?password=pg-secret',
  KAFKA_BROKERS: 'kafka:9092',
  KAFKA_SASL_MECHANISM: 'PLAIN',
  KAFKA_SASL_USERNAME: 'me',
  KAFKA_SASL_PASSWORD: 'sasl-secret',
  SIGNALBOX_SESSION_KEY: 'session-secret-session-secret-session',
  SIGNALBOX_PARTICIPANT_URL: 'http://site:8080',
};

function none(text: string): void {
  for (const secret of SECRETS) assert.ok(!text.includes(secret), text);
}

test('what is printed at start names settings without their secrets', async () => {
  const config = await loadConfig({ environment, folder: '.', file: 'none', pid: 1 });
  assert.match(ledgerName(config), /db:5432/);
  none(
    [ledgerName(config), logName(config), participantNames(config), JSON.stringify(config.sources)].join(
      '\n',
    ),
  );
});

test('a problem with a setting shows what was found, but not of a secret', async () => {
  const bad = { ...environment, SIGNALBOX_SESSION_KEY: 'header-secret' };
  await assert.rejects(
    loadConfig({ environment: bad, folder: '.', file: 'none', pid: 1 }),
    (error: unknown) => {
      assert.ok(error instanceof SignalboxError);
      assert.match(error.detail, /SIGNALBOX_SESSION_KEY/);
      none(error.message);
      return true;
    },
  );
});

test('the log hides fields that are secrets by their name, at any depth', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', worker: 'w', pretty: false, write: (line) => lines.push(line) });
  log.info(
    {
      token: 'pg-secret',
      password: 'sasl-secret',
      headers: { authorization: 'Bearer header-secret', cookie: 'signalbox=header-secret' },
      connectionString: 'postgres://u:pg-secret@db/x',
    },
    'asked',
  );
  new LogObserver(log, realWorld()).problem(new SignalboxError('SB-2001', 'db:5432'), {
    location: 'ATM-1',
    id: 'T-1',
  });
  assert.equal(lines.length, 2);
  none(lines.join('\n'));
  assert.match(lines[0] ?? '', /"authorization":"\[redacted\]"/);
  assert.match(lines[1] ?? '', /"location":"ATM-1"/);
});
