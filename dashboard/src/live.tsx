/**
 * The live connection: status events of the API, and with each the questions of the page asked again.
 *
 * States: connecting → live → stale (no event for five seconds) → live; paused by a person, from any.
 * LV1 While paused nothing on the page changes; the time it is as of stays in view.
 */
import { useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { Status } from './api/types.ts';
import { setServerTime } from './parts/clock.ts';

/** No event for this long is told as stale. */
const STALE_MS = 5_000;
const LOOK_MS = 1_000;

export interface LiveState {
  readonly status: Status | null;
  readonly state: 'connecting' | 'live' | 'stale' | 'paused';
  /** When the last event came, by the server's clock; null before the first. */
  readonly asOf: string | null;
  toggle(): void;
}

const LiveContext = createContext<LiveState>({
  status: null,
  state: 'connecting',
  asOf: null,
  toggle: () => undefined,
});

export const useLiveState = () => useContext(LiveContext);

export function Live({ children }: { readonly children: ReactNode }) {
  const client = useQueryClient();
  const [status, setStatus] = useState<Status | null>(null);
  const [paused, setPaused] = useState(false);
  const [stale, setStale] = useState(false);
  const heardMs = useRef(performance.now());
  const toggle = useCallback(() => setPaused((before) => !before), []);

  useEffect(() => {
    if (paused) return;
    const source = new EventSource('/v1/live');
    heardMs.current = performance.now();
    source.addEventListener('status', (event) => {
      const heard = JSON.parse(event.data) as Status;
      heardMs.current = performance.now();
      setServerTime(heard.time);
      setStale(false);
      setStatus(heard);
      void client.invalidateQueries({ queryKey: ['live'] }, { cancelRefetch: false });
    });
    const timer = setInterval(() => {
      if (performance.now() - heardMs.current > STALE_MS) setStale(true);
    }, LOOK_MS);
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [paused, client]);

  const value = useMemo<LiveState>(() => {
    const state = paused ? 'paused' : stale ? 'stale' : status === null ? 'connecting' : 'live';
    return { status, state, asOf: status?.time ?? null, toggle };
  }, [status, paused, stale, toggle]);
  return <LiveContext value={value}>{children}</LiveContext>;
}
