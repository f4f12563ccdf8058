/**
 * SIGTERM and SIGINT of a process: the first asks for a drain, the second ends at once (contract 17).
 * Under npm, npx and our own launcher Ctrl-C arrives twice, once from the terminal and once forwarded, so there a
 * second signal counts only after a moment.
 */

const ECHO_MS = 700;
export const EXIT_SECOND_SIGNAL = 143;

export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
}

export interface StopSignalOptions {
  readonly source: SignalSource;
  /** Whether some launcher forwards signals. */
  readonly forwarded: boolean;
  /** Monotonic clock in ms. */
  readonly now: () => number;
  readonly onFirst: (signal: string) => void;
  readonly onSecond: () => void;
}

export function onStopSignal({ source, forwarded, now, onFirst, onSecond }: StopSignalOptions): void {
  let firstAt: number | null = null;
  const heard = (signal: string) => {
    if (firstAt === null) {
      firstAt = now();
      onFirst(signal);
    } else if (!forwarded || now() - firstAt > ECHO_MS) onSecond();
  };
  source.on('SIGTERM', () => heard('SIGTERM'));
  source.on('SIGINT', () => heard('SIGINT'));
}

export function isForwarded(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment.npm_command !== undefined || environment.SIGNALBOX_LAUNCHED !== undefined;
}
