/** `signalbox locations`: open locations first, then those seen last. */
import type { LocationView, ReadModel } from '../engine/ports-read.ts';
import { type Cell, duration, show, type Terminal, table } from './terminal.ts';

export interface LocationsOptions {
  /** At most this many rows. */
  readonly limit: number;
  /** Unix time in ms, for the ages. */
  readonly nowMs: number;
}

export async function locationsCommand(
  { limit, nowMs }: LocationsOptions,
  read: Pick<ReadModel, 'locations'>,
  terminal: Terminal,
): Promise<number> {
  const locations = await read.locations(limit);
  show(terminal, locations, () => {
    if (locations.length === 0) return ['No location has been seen yet.'];
    const header = ['location', 'state', 'slots', 'waiting', 'for'];
    return table(
      header,
      locations.map((location) => rowOf(location, nowMs)),
    );
  });
  return 0;
}

function rowOf(location: LocationView, nowMs: number): Cell[] {
  const { state, paused, holders, concurrency, waiting, since } = location;
  const shown = `${state.replace('_', ' ')}${paused ? ', paused' : ''}`;
  const age = since === null ? '' : duration(nowMs - Date.parse(since));
  return [location.location, shown, `${holders}/${concurrency}`, waiting, age];
}
