/**
 * One stage at a time on a machine: two would measure each other. The turn is a socket in Linux's abstract namespace,
 * which is free again when its process ends, however it ends. Elsewhere there are no turns.
 */
import { createServer, type Server } from 'node:net';
import { until } from './wait.ts';

const NAME = '\0signalbox-stage';
/** All stages of this project one after the other take less. */
const TURN_MS = 10 * 60 * 1000;
const POLL_MS = 500;

/** Resolves when it is our turn; gives back how to end it. */
export async function takeTurn(): Promise<() => void> {
  if (process.platform !== 'linux') return () => undefined;
  const what = 'no other test on this machine has a stage';
  const server = await until({ what, timeoutMs: TURN_MS, pollMs: POLL_MS }, listen);
  return () => void server.close();
}

function listen(): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(NAME, () => {
      server.unref();
      resolve(server);
    });
  });
}
