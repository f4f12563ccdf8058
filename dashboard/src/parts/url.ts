/** Filters, views and choices live in the address, so a reload and a link keep them. */
import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';

export function useParameters(): [
  URLSearchParams,
  (change: Readonly<Record<string, string | null>>) => void,
] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const set = useCallback(
    (change: Readonly<Record<string, string | null>>) => {
      const next = new URLSearchParams(window.location.search);
      for (const [name, value] of Object.entries(change)) {
        if (value === null || value === '') next.delete(name);
        else next.set(name, value);
      }
      const text = next.toString();
      navigate(text === '' ? path : `${path}?${text}`, { replace: true });
    },
    [navigate, path],
  );
  return [parameters, set];
}
