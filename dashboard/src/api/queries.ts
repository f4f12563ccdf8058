/**
 * The questions of the pages. A key that begins with `live` is asked again with each status event; all others once.
 */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ask, query } from './client.ts';
import type {
  Attention,
  Audit,
  Commands,
  DeadLetters,
  Errors,
  Lab,
  Limits,
  Lines,
  LocationPage,
  Me,
  Partitions,
  Recent,
  Series,
  Transaction,
  WholeDeadLetter,
  Why,
} from './types.ts';

function useLive<T>(key: readonly unknown[], path: string, enabled = true) {
  return useQuery({
    queryKey: ['live', ...key],
    queryFn: ({ signal }) => ask<T>(path, signal),
    placeholderData: keepPreviousData,
    enabled,
  });
}

export const useMe = () =>
  useQuery({ queryKey: ['me'], queryFn: ({ signal }) => ask<Me>('/v1/me', signal), staleTime: 60_000 });

export const useErrors = () =>
  useQuery({
    queryKey: ['errors'],
    queryFn: ({ signal }) => ask<Errors>('/v1/errors', signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const useSeries = (range: string) =>
  useLive<Series>(['series', range], `/v1/series${query({ range })}`);
export const useLines = () => useLive<Lines>(['lines'], '/v1/lines');
export const useAttention = () => useLive<Attention>(['attention'], '/v1/attention');
export const useLab = (enabled: boolean) => useLive<Lab>(['lab'], '/v1/lab', enabled);
export const usePartitions = () => useLive<Partitions>(['partitions'], '/v1/partitions');
export const useLimits = () => useLive<Limits>(['limits'], '/v1/limits');

export const useWhy = (location: string) =>
  useLive<Why>(['why', location], `/v1/locations/${encodeURIComponent(location)}/why`);
export const useLocationPage = (location: string) =>
  useLive<LocationPage>(['location', location], `/v1/locations/${encodeURIComponent(location)}`);
export const useTransaction = (id: string) =>
  useLive<Transaction>(['transaction', id], `/v1/transactions/${encodeURIComponent(id)}`);

/** The last outcomes of what is in view; they need not be of this second. */
export const useRecent = (locations: readonly string[]) =>
  useQuery({
    queryKey: ['recent', ...locations],
    queryFn: ({ signal }) =>
      ask<Recent>(`/v1/locations/recent${query({ locations: locations.join(',') })}`, signal),
    placeholderData: keepPreviousData,
    enabled: locations.length > 0,
    refetchInterval: 5_000,
  });

export const useDeadLetters = (code: string | null, open: boolean) =>
  useLive<DeadLetters>(
    ['dead-letters', code, open],
    `/v1/dead-letters${query({ code: code ?? undefined, open: String(open), limit: 200 })}`,
    code !== null,
  );
export const useDeadLetter = (place: string | null) =>
  useQuery({
    queryKey: ['dead-letter', place],
    queryFn: ({ signal }) => ask<WholeDeadLetter>(`/v1/dead-letters/${place}`, signal),
    enabled: place !== null,
  });

export const useCommands = (open: boolean, id?: string) =>
  useLive<Commands>(['commands', open, id], `/v1/commands${query({ open: String(open), id, limit: 100 })}`);
export const useAudit = (actor: string, target: string) =>
  useLive<Audit>(['audit', actor, target], `/v1/audit${query({ actor, target, limit: 200 })}`);
