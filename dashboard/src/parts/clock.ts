/** The server's time on this machine, and a tick each second for what counts up. */
import { useSyncExternalStore } from 'react';

let aheadMs = 0;
let tick = 0;
const listeners = new Set<() => void>();

/** From each event: ages are counted from the server's clock, whatever this machine's says. */
export function setServerTime(time: string): void {
  const ahead = Date.parse(time) - Date.now();
  // A slow event is no other clock: only a change of more than half a second counts.
  if (Math.abs(ahead - aheadMs) > 500) aheadMs = ahead;
}

export function serverNow(): number {
  return Date.now() + aheadMs;
}

setInterval(() => {
  tick += 1;
  for (const listener of listeners) listener();
}, 1_000);

/** Draws again each second. */
export function useTick(): number {
  return useSyncExternalStore(subscribe, () => tick);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
