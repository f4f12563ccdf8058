/**
 * The diagram of lines: one line a partition, its locations in name order. Up to BLOCKS_MAX locations each is a block;
 * above, a line is cut into SECTIONS sections, each with its share of occupied locations and its worst state, so that an
 * exception never rounds away. Pure.
 */
import type { State } from '../core/states.ts';
import type { OpenLocation } from '../engine/ports-lists.ts';
import type { KnownLocations } from './locations-directory.ts';

const BLOCKS_MAX = 400;
const SECTIONS = 48;

/** As drawn: `clear` has nothing in its slots, `paused` nothing and may begin nothing. */
export type BlockState = 'clear' | 'paused' | 'executing' | 'reversing' | 'in_doubt' | 'held';

export const BLOCK_STATES = ['held', 'in_doubt', 'paused', 'reversing', 'executing', 'clear'] as const;

export interface Block {
  readonly location: string;
  readonly state: BlockState;
  readonly holders: number;
  readonly concurrency: number;
  readonly waiting: number;
}

export interface Section {
  /** First and last name in it. */
  readonly from: string;
  readonly to: string;
  readonly locations: number;
  /** Of them with something in a slot. */
  readonly occupied: number;
  readonly worst: BlockState;
  /** How many are in that state. */
  readonly inWorst: number;
}

export interface Line {
  readonly partition: number;
  /** Null when the locations are too many. */
  readonly blocks: readonly Block[] | null;
  readonly sections: readonly Section[] | null;
}

export interface Lines {
  readonly lines: readonly Line[];
  readonly counts: Readonly<Record<BlockState, number>>;
  /** Locations at which something waits. */
  readonly waitingAt: number;
  readonly locations: number;
}

export interface LinesOptions {
  readonly known: KnownLocations;
  readonly partitions: readonly number[];
  readonly partitionOf: (location: string) => number;
  readonly concurrencyOf: (location: string) => number;
}

export function linesOf({ known, partitions, partitionOf, concurrencyOf }: LinesOptions): Lines {
  const byPartition = new Map<number, Block[]>(partitions.map((partition) => [partition, []]));
  const counts: Record<BlockState, number> = {
    clear: 0,
    paused: 0,
    executing: 0,
    reversing: 0,
    in_doubt: 0,
    held: 0,
  };
  let waitingAt = 0;
  for (const location of known.names) {
    const block = blockOf(location, known.open.get(location), concurrencyOf);
    counts[block.state] += 1;
    if (block.waiting > 0) waitingAt += 1;
    byPartition.get(partitionOf(location))?.push(block);
  }
  const asBlocks = known.names.length <= BLOCKS_MAX;
  const lines = [...byPartition].map(([partition, blocks]) => ({
    partition,
    blocks: asBlocks ? blocks : null,
    sections: asBlocks ? null : sectionsOf(blocks),
  }));
  return { lines, counts, waitingAt, locations: known.names.length };
}

export function blockOf(
  location: string,
  open: OpenLocation | undefined,
  concurrencyOf: (location: string) => number,
): Block {
  if (open === undefined)
    return { location, state: 'clear', holders: 0, concurrency: concurrencyOf(location), waiting: 0 };
  const { holders, concurrency, waiting, paused } = open;
  return { location, state: blockState(open.state, paused), holders, concurrency, waiting };
}

/** A pause shows only where nothing worse does: what is under way goes on. */
export function blockState(state: State | null, paused: boolean): BlockState {
  if (state === 'held' || state === 'in_doubt') return state;
  if (paused) return 'paused';
  return state === 'reversing' || state === 'executing' ? state : 'clear';
}

function sectionsOf(blocks: readonly Block[]): Section[] {
  const size = Math.max(1, Math.ceil(blocks.length / SECTIONS));
  const sections: Section[] = [];
  for (let from = 0; from < blocks.length; from += size) {
    const inside = blocks.slice(from, from + size);
    const worst = BLOCK_STATES.find((state) => inside.some((block) => block.state === state)) ?? 'clear';
    sections.push({
      from: inside[0]?.location ?? '',
      to: inside.at(-1)?.location ?? '',
      locations: inside.length,
      occupied: inside.filter(({ holders }) => holders > 0).length,
      worst,
      inWorst: inside.filter(({ state }) => state === worst).length,
    });
  }
  return sections;
}
