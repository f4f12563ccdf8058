/**
 * A Fastify service with its own transactions: a gate of a car park is opened once for each ticket. The service starts and
 * stops the worker, puts transactions on the topic, and answers from the ledger.
 *
 *   DATABASE_URL=postgresql://… PORT=3000 node examples/10-fastify/main.ts
 *   curl -X PUT localhost:3000/gates/north/openings/ticket-1
 */
import Fastify from 'fastify';
import pg from 'pg';
import { createSignalbox, SignalboxError } from 'signalbox';

const { DATABASE_URL = '', KAFKA_BROKERS, PORT = '3000' } = process.env;
// A user called signalbox would otherwise find the ledger's schema of that name before public.
const pool = new pg.Pool({ connectionString: DATABASE_URL, options: '-c search_path=public' });
await pool.query('create table if not exists openings (key text primary key, gate text not null)');

const signalbox = createSignalbox({
  ...(KAFKA_BROKERS === undefined ? {} : { kafka: { brokers: KAFKA_BROKERS.split(',') } }),
  ledger: { url: DATABASE_URL },
  topic: 'openings',
  participants: {
    gate: {
      steps: {
        open: {
          // The row is the order to the gate: the same key again is the same order.
          execute: async ({ key, location }) => {
            await pool.query('insert into openings values ($1, $2) on conflict do nothing', [key, location]);
            return { outcome: 'done', evidence: { gate: location } };
          },
        },
      },
      capabilities: { replay: true },
    },
  },
  types: { opening: { steps: [{ name: 'open', participant: 'gate', irreversible: true }] } },
});

const app = Fastify({ logger: { level: 'warn' } });
app.addHook('onReady', () => signalbox.start());
app.addHook('onClose', async () => {
  await signalbox.stop();
  await pool.end();
});
app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof SignalboxError)) return reply.send(error);
  return reply
    .code(error.code.startsWith('SB-11') ? 422 : 503)
    .send({ code: error.code, message: error.message });
});

app.put<{ Params: { gate: string; ticket: string } }>(
  '/gates/:gate/openings/:ticket',
  async ({ params: { gate, ticket } }, reply) => {
    await signalbox.submit({ id: ticket, type: 'opening', location: gate });
    return reply.code(202).header('location', `/openings/${ticket}`).send({ ticket });
  },
);
app.get<{ Params: { ticket: string } }>('/openings/:ticket', async ({ params: { ticket } }, reply) => {
  const found = await signalbox.transaction(ticket);
  if (found === null) return reply.code(404).send({ ticket, state: 'not in the ledger yet' });
  return { ticket, state: found.state, evidence: found.evidence };
});
app.get<{ Params: { gate: string } }>('/gates/:gate', ({ params: { gate } }) => signalbox.why(gate));
app.get('/readyz', async (_request, reply) => {
  const { ready, problems } = signalbox.health();
  return reply.code(ready ? 200 : 503).send({ ready, problems: problems.map(({ message }) => message) });
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
console.log(await app.listen({ port: Number(PORT), host: '127.0.0.1' }));
