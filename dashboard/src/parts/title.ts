/** The title of the window: where one is, and how many wait for a person. */
import { useEffect } from 'react';
import { useLiveState } from '../live.tsx';

export function useTitle(page: string): void {
  const { status } = useLiveState();
  const held = status?.held ?? 0;
  useEffect(() => {
    document.title = `${held > 0 ? `(${held}) ` : ''}${page} · Signalbox`;
  }, [page, held]);
}
