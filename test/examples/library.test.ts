/** The examples of the library are run as they are: those on a broker against a real one. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { testKafka, topicName } from '../fixtures/kafka.ts';
import { until } from '../integration/processes.ts';
import { BrokerClient } from '../rig/broker-client.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const LINES_MAX = 80;
const DONE_MS = 60_000;
const kafka = await testKafka();

interface Ran {
  readonly child: ChildProcess;
  output(): string;
}

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

function run(name: string, env: Readonly<Record<string, string>> = {}): Ran {
  const child = spawn(process.execPath, [join(EXAMPLES, name, 'main.ts')], {
    env: { ...process.env, ...env },
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += String(text);
    });
  return { child, output: () => output };
}

async function says({ output }: Ran, text: RegExp): Promise<void> {
  await until(output, DONE_MS, () => text.test(output()));
}

it('each is short enough to read at once', () => {
  const names = readdirSync(EXAMPLES);
  assert.ok(names.length >= 5);
  const files = names.flatMap((name) => readdirSync(join(EXAMPLES, name)).map((file) => join(name, file)));
  for (const file of files.filter((each) => /\.(ts|py)$/.test(each))) {
    const lines = readFileSync(join(EXAMPLES, file), 'utf8').split('\n').length;
    assert.ok(lines <= LINES_MAX, `${file}: ${lines}`);
  }
});

it('01-lanes', async () => {
  const ran = run('01-lanes');
  await says(ran, /\{ ann: 200, bob: 150 \}\n\d+ taken, 0 keys left in memory/);
});

describe('on a broker', { skip: 'skip' in kafka ? kafka.skip : false }, () => {
  let client: BrokerClient;
  const brokers = 'skip' in kafka ? '' : kafka.bootstrap;

  before(() => {
    client = new BrokerClient(brokers);
  });
  after(async () => {
    await client?.close();
    if (!('skip' in kafka)) await kafka.stop();
  });

  async function topicWith(records: readonly { key: string; value: string }[]): Promise<string> {
    const { name } = await client.createTopic({ name: topicName(), partitions: 1 });
    if (records.length === 0) return name;
    await until(
      () => 'a leader',
      DONE_MS,
      async () =>
        await client.produce(name, 0, [...records]).then(
          () => true,
          () => null,
        ),
    );
    return name;
  }

  it('02-consumer', async () => {
    const reading = (meter: string, kwh: number) => ({ key: meter, value: JSON.stringify({ meter, kwh }) });
    const TOPIC = await topicWith([reading('m1', 3), reading('m2', 5), reading('m1', 4)]);
    const ran = run('02-consumer', { KAFKA_BROKERS: brokers, TOPIC });
    await says(ran, /m1 2: 7 kWh/);
    ran.child.kill('SIGTERM');
    await until(ran.output, DONE_MS, () => ran.child.exitCode === 0);
  });

  it('03-retry-and-dead-letters', async () => {
    let asked = 0;
    const bank = createServer((request, response) => {
      asked += 1;
      response.statusCode =
        request.url === '/accounts/slow' && asked < 3 ? 503 : request.url === '/accounts/never' ? 404 : 200;
      response.end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => bank.once('listening', resolve));
    const BANK = `http://127.0.0.1:${(bank.address() as { port: number }).port}`;
    const pay = (key: string) => ({ key, value: '{"amount":5}' });
    const TOPIC = await topicWith([
      pay('slow'),
      pay('never'),
      { key: 'bad', value: '{"amount":0.5}' },
      pay('good'),
    ]);
    const DEAD_TOPIC = await topicWith([]);
    const ran = run('03-retry-and-dead-letters', { KAFKA_BROKERS: brokers, TOPIC, DEAD_TOPIC, BANK });
    await says(ran, /bad 2: dead letter/);
    await says(
      ran,
      /never attempt 5: Error: the bank answers 404, again in null ms\n(.*\n)*never 1: dead letter/,
    );
    bank.close();
  });

  it('08-orders-by-customer', async () => {
    const order = (customer: string, item: number) => ({
      key: customer,
      value: JSON.stringify({ customer, item: `i${item}` }),
    });
    const records = Array.from({ length: 12 }, (_, item) => order(item % 4 === 0 ? 'bob' : 'ann', item));
    const ran = run('08-orders-by-customer', { KAFKA_BROKERS: brokers, TOPIC: await topicWith(records) });
    await says(ran, /ann: i1\n/);
    await says(ran, /ann: i2, i3, i5, i6, i7, i9, i10, i11/);
    await says(ran, /bob: i4, i8/);
  });
});
