import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Environment } from './environment.ts';
import { defaultWorker, loadConfig } from './load-config.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: string, extension = 'json'): string {
  files += 1;
  const path = join(folder, `config-${files}.${extension}`);
  writeFileSync(path, content);
  return path;
}

function load(
  environment: Environment = {},
  more: { file?: string; options?: Record<string, unknown> } = {},
) {
  return loadConfig({ environment, folder, pid: 42, ...more });
}

async function detailOf(promise: Promise<unknown>): Promise<string[]> {
  const error = await promise.then(
    () => assert.fail('no error'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SignalboxError);
  assert.equal(error.code, 'SB-5002');
  assert.equal(error.final, true);
  return error.detail.split('\n');
}

describe('loadConfig', () => {
  it('gives defaults with their source when nothing is set', async () => {
    const config = await load();
    assert.equal(config.topic, 'transactions');
    assert.equal(config.group, 'signalbox');
    assert.equal(config.directory, join(folder, '.signalbox'));
    assert.equal(config.kafka, null);
    assert.deepEqual(config.ledger.urls, []);
    assert.equal(config.ledger.migrate, true);
    assert.equal(config.types, null);
    assert.deepEqual(config.participants, {});
    assert.equal(config.worker, defaultWorker(42));
    assert.match(config.worker, /-42$/);
    assert.equal(config.sources.topic, 'default');
    assert.equal(config.drainTimeoutMs, 30_000);
  });

  it('lets the environment win over the file and an option over both', async () => {
    const path = file(JSON.stringify({ topic: 'from-file', group: 'from-file', api: { port: 1000 } }));
    const environment = { SIGNALBOX_GROUP: 'from-environment', PORT: '2000' };
    const config = await load(environment, { file: path, options: { 'api.port': 3000 } });
    assert.equal(config.topic, 'from-file');
    assert.equal(config.sources.topic, path);
    assert.equal(config.group, 'from-environment');
    assert.equal(config.sources.group, 'environment SIGNALBOX_GROUP');
    assert.equal(config.api.port, 3000);
    assert.equal(config.sources['api.port'], 'option --port');
  });

  it('reads every kind of variable', async () => {
    const config = await load({
      KAFKA_BROKERS: 'a:9092, b:9093',
      KAFKA_TLS: '1',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p',
      DATABASE_URL: 'postgres://u:p@db/signalbox',
      SIGNALBOX_MIGRATE: '0',
      SIGNALBOX_CREATE_RESULTS: 'false',
      SIGNALBOX_PARTICIPANT_URL: 'http://{location}.example:8080/x',
      SIGNALBOX_CONCURRENCY: '3',
      SIGNALBOX_STEP_TIMEOUT_MS: '1_500',
      SIGNALBOX_TOPIC: '  ',
    });
    assert.deepEqual(config.kafka?.brokers, ['a:9092', 'b:9093']);
    assert.deepEqual(config.kafka?.tls, { ca: null, cert: null, key: null, verify: true });
    assert.deepEqual(config.kafka?.sasl, { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' });
    assert.deepEqual(config.ledger.urls, ['postgres://u:p@db/signalbox']);
    assert.equal(config.ledger.tls, null);
    assert.equal(config.ledger.migrate, false);
    assert.equal(config.createResults, false);
    assert.equal(config.participants.default?.url, 'http://{location}.example:8080/x');
    assert.equal(config.concurrency, 3);
    assert.equal(config.stepTimeoutMs, 1_500);
    assert.equal(config.topic, 'transactions');
  });

  it('loads a TypeScript file and fills steps from the defaults', async () => {
    const path = file(
      `interface Unused { readonly a: number }
       export default {
         participants: { dispenser: { url: 'http://127.0.0.1:1', headers: { authorization: 'x' }, grade: 'G3' } },
         types: { withdraw: { steps: [{ name: 'apply', participant: 'dispenser' }], version: 2, deadlineMs: 60_000,
                              earlier: [{ steps: [{ name: 'old', participant: 'dispenser', irreversible: true }] }] } },
         limits: { 'DEPOT-*': { concurrency: 4 } },
       };`,
      'ts',
    );
    const config = await load({ SIGNALBOX_STEP_TIMEOUT_MS: '7000' }, { file: path });
    assert.deepEqual(config.types?.withdraw, {
      version: 2,
      deadlineMs: 60_000,
      display: null,
      steps: [
        { name: 'apply', participant: 'dispenser', timeoutMs: 7_000, irreversible: false, canRefuse: true },
      ],
      earlier: [
        {
          version: 1,
          deadlineMs: 900_000,
          steps: [
            { name: 'old', participant: 'dispenser', timeoutMs: 7_000, irreversible: true, canRefuse: true },
          ],
        },
      ],
    });
    assert.deepEqual(config.limits, [{ pattern: 'DEPOT-*', concurrency: 4 }]);
    assert.equal(config.participants.dispenser?.grade, 'G3');
  });

  it('takes the collector of traces by the names that OpenTelemetry gives it', async () => {
    const off = await load({});
    assert.deepEqual(off.traces, { otlpUrl: null, ratio: 1, serviceName: 'signalbox' });
    const on = await load({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_SERVICE_NAME: 'cash',
    });
    assert.deepEqual(on.traces, { otlpUrl: 'http://127.0.0.1:4318', ratio: 0.25, serviceName: 'cash' });
    for (const ratio of ['1.5', '-1', 'all']) {
      await assert.rejects(load({ OTEL_TRACES_SAMPLER_ARG: ratio }), /OTEL_TRACES_SAMPLER_ARG.*0 to 1/s);
    }
  });

  it('reports every problem at once: field, found, allowed', async () => {
    const path = file(
      JSON.stringify({
        topik: 'x',
        concurrency: 0,
        api: { port: '80' },
        participants: { p: { url: 'ftp://x', grade: 'G7' } },
        types: { t: { steps: [{ name: 'a', participant: 'q' }] }, 'bad name': { steps: [] } },
      }),
    );
    const lines = await detailOf(load({ PORT: 'abc', KAFKA_BROKERS: 'nohost' }, { file: path }));
    const has = (pattern: RegExp) =>
      assert.ok(
        lines.some((line) => pattern.test(line)),
        `${pattern} in ${lines.join('\n')}`,
      );
    has(/^topik: found an unknown field, allowed is one of: topic, group/);
    has(/^concurrency: found 0, allowed is a whole number from 1 to 1000$/);
    has(/^api\.port: found "80", allowed is a whole number from 0 to 65535/);
    has(/^participants\.p\.url: found "ftp:\/\/x", allowed is an http/);
    has(/^participants\.p\.grade: found "G7", allowed is one of: G3, G2, G1, G0$/);
    has(/^types\.bad name: found the name "bad name", allowed is 1 to 64 of/);
    has(/^environment PORT: found "abc", allowed is a whole number/);
    has(/^environment KAFKA_BROKERS.*found "nohost", allowed is host:port/);
  });

  it('names a participant that is not configured', async () => {
    const path = file(
      JSON.stringify({
        participants: { p: { url: 'http://x' } },
        types: { t: { steps: [{ name: 'a', participant: 'q' }] } },
      }),
    );
    assert.deepEqual(await detailOf(load({}, { file: path })), [
      'types.t.steps.0.participant: found "q", allowed is one of: p',
    ]);
  });

  it('never shows a secret', async () => {
    const path = file(
      JSON.stringify({ kafka: { sasl: { mechanism: 'PLAIN', username: 'u', password: 7 } } }),
    );
    const lines = await detailOf(load({ DATABASE_URL: 'mysql://u:hunter2@db/x' }, { file: path }));
    assert.equal(lines.length, 2);
    assert.doesNotMatch(lines.join(), /hunter2|found 7/);
  });

  it('takes the servers of a ledger in their order, with Kafka only, and instead of one', async () => {
    const urls = ['postgres://u:p@a/x', 'postgres://u:p@b/x'];
    const two = { DATABASE_URLS: ` ${urls.join(' , ')} `, KAFKA_BROKERS: 'a:1' };
    assert.deepEqual((await load(two)).ledger.urls, urls);
    assert.deepEqual(await detailOf(load({ ...two, KAFKA_BROKERS: '' })), [
      'ledger.urls: found 2 servers, allowed is one without kafka.brokers: the embedded log lies in the database of the ledger',
    ]);
    assert.deepEqual(await detailOf(load({ ...two, DATABASE_URL: urls[0] })), [
      'ledger.urls: found ledger.url beside it, allowed is one of the two',
    ]);
    for (const wrong of [`${urls[0]},${urls[0]}`, `${urls[0]},mysql://u:hunter2@b/x`]) {
      const [line = ''] = await detailOf(load({ ...two, DATABASE_URLS: wrong }));
      assert.match(
        line,
        /^environment DATABASE_URLS.*allowed is (a list of 1 to 64 different )?(a )?postgres/,
      );
      assert.doesNotMatch(line, /hunter2|u:p/);
    }
  });

  it('asks for what a SASL mechanism needs', async () => {
    const lines = await detailOf(load({ KAFKA_BROKERS: 'a:1', KAFKA_SASL_MECHANISM: 'PLAIN' }));
    assert.deepEqual(lines, [
      'kafka.sasl.username: found nothing, allowed is a user with PLAIN',
      'kafka.sasl.password: found nothing, allowed is a password with PLAIN',
    ]);
  });

  it('reads the files of TLS and names one that is missing', async () => {
    const ca = file('-----BEGIN CERTIFICATE-----', 'pem');
    const good = await load({ KAFKA_BROKERS: 'a:1', KAFKA_TLS_CA_FILE: ca });
    assert.equal(good.kafka?.tls?.ca, '-----BEGIN CERTIFICATE-----');
    const [line] = await detailOf(load({ DATABASE_TLS_CA_FILE: '/nowhere.pem' }));
    assert.match(
      line ?? '',
      /^ledger\.tls\.caFile: found \/nowhere\.pem \(ENOENT.*allowed is a file that can be read$/,
    );
  });

  it('says when the file is missing, broken or exports nothing', async () => {
    assert.match(
      (await detailOf(load({}, { file: 'absent.ts' }))).join(),
      /option --config: found absent\.ts, allowed is an existing file/,
    );
    assert.match(
      (await detailOf(load({}, { file: file('{') }))).join(),
      /allowed is a file that can be loaded/,
    );
    assert.match(
      (await detailOf(load({}, { file: file('export const a = 1;', 'ts') }))).join(),
      /allowed is an object as the default export/,
    );
  });
});
