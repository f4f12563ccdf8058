/** TLS, each SASL mechanism and permissions on a real broker with a listener of its own for them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { alterUserScramCredentialsV0 } from '@platformatic/kafka';
import { ownKafka } from '../../../test/fixtures/kafka.ts';
import { KafkaFixture } from '../../../test/fixtures/kafka-log.ts';
import { LogWatcher } from '../../conformance/log-watcher.ts';
import { until } from '../../conformance/transaction-log-scene.ts';
import { freePort } from '../../demo/free-port.ts';
import { realWorld } from '../node/world.ts';
import { KafkaSender } from './kafka-sender.ts';
import type { KafkaConnectionSettings, SaslSettings } from './settings.ts';

/** KIP-554: SCRAM-SHA-256 is 1, SCRAM-SHA-512 is 2. */
const SCRAM = [
  { mechanism: 1, hash: 'sha256', bytes: 32 },
  { mechanism: 2, hash: 'sha512', bytes: 64 },
] as const;
const ITERATIONS = 4_096;

const directory = await mkdtemp(join(tmpdir(), 'signalbox-tls-'));
after(() => rm(directory, { recursive: true, force: true }));

/** A certificate for 127.0.0.1 that signs itself; key and chain in one file as the broker wants them. */
async function certificate(): Promise<{ readonly keystore: string; readonly ca: string }> {
  const [key, chain] = [join(directory, 'key.pem'), join(directory, 'chain.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const request = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    chain,
  ];
  execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' });
  const keystore = join(directory, 'keystore.pem');
  const ca = await readFile(chain, 'utf8');
  await writeFile(keystore, (await readFile(key, 'utf8')) + ca);
  return { keystore, ca };
}

function unsecuredToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + 3_600 })}.`;
}

const { keystore, ca } = await certificate();
const port = await freePort();
const security = 'org.apache.kafka.common.security';
const kafka = await ownKafka({
  listeners: [{ name: 'SECURE', protocol: 'SASL_SSL', port }],
  properties: {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.secure.plain.sasl.jaas.config': `${security}.plain.PlainLoginModule required user_alice="secret" user_bob="secret";`,
    'listener.name.secure.scram-sha-256.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
    'listener.name.secure.scram-sha-512.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
    'listener.name.secure.oauthbearer.sasl.jaas.config': `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:alice',
  },
});

if ('skip' in kafka) test('Kafka security', { skip: kafka.skip });
else {
  after(() => kafka.stop());
  describe('Kafka security', () => {
    let fixture: KafkaFixture;
    let topic: string;
    const keepAlive = setInterval(() => undefined, 1_000);
    const brokers = [`127.0.0.1:${port}`];
    before(async () => {
      fixture = await KafkaFixture.make(kafka);
      topic = await fixture.createTopic({ partitions: 2 });
      // A user may be named once in a request.
      for (const { mechanism, hash, bytes } of SCRAM) {
        const salt = randomBytes(16);
        const saltedPassword = pbkdf2Sync('secret', salt, ITERATIONS, bytes, hash);
        const upsertion = { name: 'alice', mechanism, iterations: ITERATIONS, salt, saltedPassword };
        await alterUserScramCredentialsV0.api.async(await fixture.connection(), [], [upsertion]);
      }
    });
    after(async () => {
      await fixture.close();
      clearInterval(keepAlive);
    });

    const login = (
      mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512',
      username = 'alice',
      password = 'secret',
    ) => ({ mechanism, username, password }) as const;
    const bearer = (token: () => string | Promise<string>): SaslSettings => ({
      mechanism: 'OAUTHBEARER',
      token,
    });

    for (const sasl of [
      login('PLAIN'),
      login('SCRAM-SHA-256'),
      login('SCRAM-SHA-512'),
      bearer(async () => unsecuredToken()),
    ]) {
      test(`sends and reads with TLS and ${sasl.mechanism}`, async () => {
        const connection: KafkaConnectionSettings = { brokers, clientId: 'secure', tls: { ca }, sasl };
        const sender = new KafkaSender({ ...connection, topic, world: realWorld() });
        await sender.send([{ key: 'atm-1', value: Buffer.from(sasl.mechanism) }]);
        await sender.close();
        const log = fixture.log({ ...connection, topic, group: `${topic}-${sasl.mechanism}` });
        const member = new LogWatcher(log, { name: 'secure' });
        await log.open(member);
        await until('read', () => member.received.some(({ value }) => String(value) === sasl.mechanism));
        await log.close(0);
      });
    }

    const refused = (name: string, code: string, settings: Partial<KafkaConnectionSettings>): void => {
      test(`${name}: ${code}, final`, async () => {
        const log = fixture.log({ brokers, topic, group: topic, tls: { ca }, ...settings });
        await assert.rejects(log.open(new LogWatcher(log, { name })), { code, final: true });
        await log.close(0);
      });
    };
    refused('a wrong password with PLAIN', 'SB-3004', { sasl: login('PLAIN', 'alice', 'wrong') });
    refused('a wrong password with SCRAM', 'SB-3004', { sasl: login('SCRAM-SHA-512', 'alice', 'wrong') });
    refused('an unknown user with SCRAM', 'SB-3004', { sasl: login('SCRAM-SHA-256', 'nobody') });
    refused('a token that is none', 'SB-3004', { sasl: bearer(() => 'nonsense') });
    refused('a user without permission', 'SB-3005', { sasl: login('PLAIN', 'bob') });

    for (const [name, tls, reason] of [
      ['a certificate nobody vouches for', true, /self[- ]signed/],
      ['no TLS where the broker wants it', false, /TLS|closed/i],
    ] as const) {
      test(`${name} is told, with the reason, and tried again`, async () => {
        const log = fixture.log({ brokers, topic, group: topic, tls, sasl: login('PLAIN') });
        const member = new LogWatcher(log, { name });
        const opened = assert.rejects(log.open(member), { code: 'SB-3001' });
        await until('told', () => member.problems.length > 0, { deadlineMs: 15_000 });
        assert.match(member.problems[0]?.error.detail ?? '', reason);
        await log.close(0);
        await opened;
      });
    }
  });
}
