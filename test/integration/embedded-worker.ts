/** A process with an embedded Signalbox, for signalbox-embedded.test.ts: SIGTERM drains, SIGKILL is what it is for. */
import { embeddedBank } from '../fixtures/embedded-bank.ts';

const { BROKERS = '', TOPIC = '', LEDGER = '', SESSION_MS = '6000' } = process.env;
const { signalbox, close } = embeddedBank({
  brokers: BROKERS,
  topic: TOPIC,
  connectionString: LEDGER,
  sessionTimeoutMs: Number(SESSION_MS),
});
process.once('SIGTERM', async () => {
  const { clean } = await signalbox.stop();
  await close();
  process.exitCode = clean ? 0 : 1;
});
const events = signalbox.events();
await signalbox.start();
for await (const event of events) {
  if (event.type === 'finished') process.stdout.write(`finished ${event.id}\n`);
  if (event.type === 'hand-over') process.stdout.write(`${event.what} ${event.partition}\n`);
}
