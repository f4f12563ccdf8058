/** Keeps the process alive until the function it gives back is called: the timers of the real World do not. */

/** The longest time that a timer of Node.js can have. */
const FOR_EVER_MS = 2 ** 31 - 1;

export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, FOR_EVER_MS);
  return () => clearInterval(timer);
}
