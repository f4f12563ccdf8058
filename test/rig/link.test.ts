import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Link } from './link.ts';
import { until } from './wait.ts';

const SOON = { timeoutMs: 5_000, pollMs: 5 };
/** Long against a hop over loopback: in this time nothing comes through a link that is dead. */
const QUIET_MS = 150;

class Peer {
  readonly socket: Socket;
  text = '';
  broken = false;
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece) => {
      this.text += piece.toString();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.broken = true;
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  async hears(text: string): Promise<void> {
    await until({ what: `hears ${text}, has ${this.text}`, ...SOON }, () => this.text === text);
  }

  async breaks(): Promise<void> {
    await until({ what: 'the connection is broken', ...SOON }, () => this.broken);
  }
}

async function quiet(): Promise<void> {
  const from = performance.now();
  await until({ what: 'a while', ...SOON }, () => performance.now() - from > QUIET_MS);
}

describe('link', () => {
  let server: Server;
  let served: Peer[] = [];
  let proxy: Link;
  const clients: Peer[] = [];

  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => void served.push(new Peer(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => void server.close());
  beforeEach(async () => {
    served = [];
    const address = server.address();
    proxy = await Link.start(typeof address === 'object' && address !== null ? address.port : 0);
  });
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.close();
  });

  async function pair(): Promise<[client: Peer, server: Peer]> {
    const before = served.length;
    const client = new Peer(connect(proxy.port, '127.0.0.1'));
    clients.push(client);
    const other = await until(
      { what: 'the server has the connection', ...SOON },
      () => served[before] ?? null,
    );
    return [client, other];
  }

  it('passes everything both ways, and each end by itself', async () => {
    const [client, other] = await pair();
    client.send('request');
    await other.hears('request');
    client.socket.end();
    await until({ what: 'the end arrives', ...SOON }, () => other.ended);
    other.send('last words');
    await client.hears('last words');
  });

  it('dead: nothing passes; open again the old connections are broken, a new one passes', async () => {
    const [client, other] = await pair();
    proxy.set('dead');
    client.send('lost');
    other.send('lost');
    await quiet();
    assert.deepEqual([client.text, other.text, client.broken, other.broken], ['', '', false, false]);
    proxy.set('open');
    await client.breaks();
    await other.breaks();
    const [again, there] = await pair();
    again.send('hello');
    await there.hears('hello');
    assert.equal(proxy.counts.broken, 1);
  });

  it('a connection made while the link is dead passes nothing', async () => {
    proxy.set('dead');
    const [client, other] = await pair();
    client.send('lost');
    await quiet();
    assert.equal(other.text, '');
  });

  it('silent: what the server says arrives, what the client says does not', async () => {
    const [client, other] = await pair();
    proxy.set('silent');
    client.send('unheard');
    other.send('heard');
    await client.hears('heard');
    await quiet();
    assert.deepEqual([other.text, other.broken], ['', false]);
  });

  it('resets after so many bytes, on both sides', async () => {
    const [client, other] = await pair();
    assert.equal(proxy.resetAfter(10), 1);
    client.send('12345');
    await other.hears('12345');
    other.send('67890');
    await client.breaks();
    await other.breaks();
    assert.equal(client.text, '');
  });

  it('cuts after a request has left: it arrives, its answer does not', async () => {
    const [client, other] = await pair();
    assert.equal(proxy.cutAfterRequest(), 1);
    other.send('before it'); // no request has left yet
    await client.hears('before it');
    client.send('request');
    await other.hears('request');
    other.send('answer');
    await client.breaks();
    assert.equal(client.text, 'before it');
  });

  it('disarmed, it breaks nothing', async () => {
    const [client, other] = await pair();
    proxy.cutAfterRequest();
    proxy.disarm();
    client.send('request');
    await other.hears('request');
    other.send('answer');
    await client.hears('answer');
  });

  it('slow: late but whole and in order, also when it becomes fast meanwhile', async () => {
    const [client, other] = await pair();
    proxy.set('slow', QUIET_MS);
    const from = performance.now();
    client.send('a');
    await until({ what: 'it has passed the proxy', ...SOON }, () => proxy.counts.bytes >= 1);
    proxy.set('open');
    client.send('b');
    await other.hears('ab');
    assert.ok(performance.now() - from >= QUIET_MS - 5);
  });

  it('breaks the connection of a client whose server is down', async () => {
    const nobody = await Link.start(1);
    const client = new Peer(connect(nobody.port, '127.0.0.1'));
    await client.breaks();
    await nobody.close();
  });

  it('passes more than any buffer holds', async () => {
    const [client, other] = await pair();
    const much = 'x'.repeat(4 * 1024 * 1024);
    client.send(much);
    await until({ what: 'all has arrived', ...SOON }, () => other.text.length === much.length);
  });
});
