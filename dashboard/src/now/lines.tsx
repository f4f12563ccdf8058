/** The diagram: one line a partition, one block a location, one train a transaction in a slot. */
import { type CSSProperties, type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { Block, BlockState, Line, Lines, Partition } from '../api/types.ts';
import { Panel } from '../parts/bits.tsx';
import { BlockLamp, blockClass, blockWord, Lamp, WAITING } from '../parts/states.tsx';
import { count, partitionName, plural, rate } from '../parts/words.ts';

const LEGEND: readonly BlockState[] = ['executing', 'clear', 'reversing', 'paused', 'in_doubt', 'held'];
const DOTS_MAX = 8;
/** Cells of one block are drawn up to here; a bar stands for more. */
const CELLS_MAX = 4;
const HOT_LAG = 50;
/** Above so many partitions the lines are those of workers. */
const LINES_MAX = 64;

type Only = BlockState | 'waiting' | null;

export function LinesPanel({
  lines,
  partitions,
  rates,
}: {
  readonly lines: Lines;
  readonly partitions: readonly Partition[];
  /** Outcomes a second by partition. */
  readonly rates: ReadonlyMap<number, number>;
}) {
  const [only, setOnly] = useState<Only>(null);
  const grid = useRef<HTMLDivElement>(null);
  const of = useMemo(() => new Map(partitions.map((each) => [each.partition, each])), [partitions]);
  const blocks = lines.lines[0]?.blocks != null;
  const longest = Math.max(12, ...lines.lines.map((line) => line.blocks?.length ?? 0));
  const shown = lines.lines.slice(0, LINES_MAX);
  return (
    <Panel
      title="Lines"
      sub={
        <span className="hide-s">
          {blocks
            ? 'one track per partition, one block per location, one train per transaction'
            : 'one track per partition in 48 sections; shade is the share occupied, a number the worst inside'}
        </span>
      }
      right={<span className="sub">{plural(lines.locations, 'location')}</span>}
    >
      <div
        className="lines"
        ref={grid}
        style={{ '--max': longest } as CSSProperties}
        {...(only === null ? {} : { 'data-only': only })}
        onKeyDown={(event) => walk(event, grid.current)}
        role="group"
        aria-label="Lines: arrow keys walk the blocks"
      >
        <div className="ln hd">
          <span className="own">Partition, owner</span>
          <span className="hide-s">Locations, in name order</span>
          <span className="num">out /s</span>
          <span className="num">lag</span>
          <span className="num">epoch</span>
        </div>
        {shown.map((line, index) => (
          <LineRow
            key={line.partition}
            line={line}
            of={of.get(line.partition)}
            boxed={index > 0 && ownerOf(of, line) !== ownerOf(of, shown[index - 1])}
            rate={rates.get(line.partition) ?? null}
            only={only}
          />
        ))}
      </div>
      <Legend lines={lines} only={only} onOnly={setOnly} />
    </Panel>
  );
}

function ownerOf(of: ReadonlyMap<number, Partition>, line: Line | undefined): string | null {
  return line === undefined ? null : (of.get(line.partition)?.owner ?? null);
}

function LineRow({
  line,
  of,
  boxed,
  rate: perSecond,
  only,
}: {
  readonly line: Line;
  readonly of: Partition | undefined;
  readonly boxed: boolean;
  readonly rate: number | null;
  readonly only: Only;
}) {
  const lag = of?.lag ?? null;
  return (
    <div className={`ln ${boxed ? 'box' : ''}`}>
      <span className="own">
        <b>{partitionName(line.partition)}</b>
        <span className="dim cut">{of?.owner ?? 'nobody'}</span>
      </span>
      <div className="trk" role="group" aria-label={`Partition ${line.partition}`} data-line="">
        {line.blocks?.map((block) => (
          <BlockCell key={block.location} block={block} on={isOn(block, only)} />
        ))}
        {line.sections?.map((section) => (
          <SectionCell key={section.from} section={section} line={line} only={only} />
        ))}
        {line.blocks !== null && <span className="stop" />}
      </div>
      <span className="num dim">{perSecond === null ? '–' : rate(perSecond)}</span>
      <span className={`lag ${lag !== null && lag >= HOT_LAG ? 'hot' : 'dim'}`}>
        {lag === null ? '–' : count(lag)}
      </span>
      <span className="num dim">{of?.epoch ?? '–'}</span>
    </div>
  );
}

function isOn({ state, waiting }: Block, only: Only): boolean {
  return only === 'waiting' ? waiting > 0 : state === only;
}

const MARKS: Partial<Record<BlockState, string>> = { held: '!', in_doubt: '?', paused: '❙❙', reversing: '◀' };

function BlockCell({ block, on }: { readonly block: Block; readonly on: boolean }) {
  const { location, state, holders, concurrency, waiting } = block;
  const slots = concurrency > 1 ? `, ${holders} of ${concurrency} slots` : '';
  const waits = waiting > 0 ? `, ${count(waiting)} waiting` : '';
  const text = `${location}: ${blockWord(state)}${slots}${waits}`;
  return (
    <Link
      className={`blk ${blockClass(state)} ${waiting > 0 ? 'wait' : ''} ${on ? 'on' : ''}`}
      href={`/locations/${encodeURIComponent(location)}`}
      title={text}
      aria-label={text}
      tabIndex={-1}
      data-block=""
    >
      <Train block={block} />
      {waiting > 0 && <u style={{ '--w': Math.min(DOTS_MAX, waiting) } as CSSProperties} />}
    </Link>
  );
}

function Train({ block: { state, holders, concurrency } }: { readonly block: Block }) {
  const mark = MARKS[state];
  if (state === 'clear') return null;
  if (mark !== undefined) {
    return (
      <i>
        <em>{mark}</em>
      </i>
    );
  }
  if (concurrency > CELLS_MAX) {
    return (
      <i>
        <b />
      </i>
    );
  }
  return (
    <i>
      {Array.from({ length: concurrency }, (_, slot) => (
        <b key={slot} className={slot < holders ? '' : 'o'} />
      ))}
    </i>
  );
}

function SectionCell({
  section,
  line,
  only,
}: {
  readonly section: NonNullable<Line['sections']>[number];
  readonly line: Line;
  readonly only: Only;
}) {
  const { worst, inWorst, occupied, locations, from, to } = section;
  const share = Math.round((occupied / Math.max(1, locations)) * 100);
  const bad = worst === 'held' || worst === 'in_doubt' || worst === 'paused';
  const text = `${partitionName(line.partition)}, ${from} to ${to}: ${plural(locations, 'location')}, ${share} % occupied${bad ? `, ${inWorst} ${blockWord(worst)}` : ''}`;
  const filter = new URLSearchParams({ q: `partition:${line.partition} from:${from} to:${to}` });
  return (
    <Link
      className={`sec ${bad ? blockClass(worst) : ''} ${worst === only ? 'on' : ''}`}
      href={`/locations?${filter}`}
      title={text}
      aria-label={text}
      tabIndex={-1}
      data-block=""
      style={{ '--o': share } as CSSProperties}
    >
      {bad ? inWorst : ''}
    </Link>
  );
}

function Legend({
  lines,
  only,
  onOnly,
}: {
  readonly lines: Lines;
  readonly only: Only;
  readonly onOnly: (only: Only) => void;
}) {
  const pick = (next: Only) => onOnly(next === only ? null : next);
  return (
    <div className="legend" role="group" aria-label="Show only">
      {LEGEND.map((state) => (
        <button
          key={state}
          className="chip"
          type="button"
          aria-pressed={only === state}
          onClick={() => pick(state)}
        >
          <BlockLamp state={state} />
          <span className="n">{count(lines.counts[state])}</span>
        </button>
      ))}
      <button
        className="chip"
        type="button"
        aria-pressed={only === 'waiting'}
        onClick={() => pick('waiting')}
      >
        <Lamp look={WAITING} />
        <span className="n">{count(lines.waitingAt)}</span>
      </button>
      {lines.sampled && <span className="scale">of the first 200,000 locations</span>}
    </div>
  );
}

/** Arrow keys walk the blocks; the group is one stop of the Tab key. */
function walk(event: KeyboardEvent, grid: HTMLElement | null): void {
  if (grid === null || !event.key.startsWith('Arrow')) return;
  const tracks = [...grid.querySelectorAll<HTMLElement>('[data-line]')];
  const rows = tracks.map((track) => [...track.querySelectorAll<HTMLElement>('[data-block]')]);
  const line = rows.findIndex((row) => row.includes(document.activeElement as HTMLElement));
  const place = rows[line]?.indexOf(document.activeElement as HTMLElement) ?? -1;
  const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
    event.key
  ] ?? [0, 0];
  const row = rows[Math.min(rows.length - 1, Math.max(0, line + (down ?? 0)))] ?? [];
  row[Math.min(row.length - 1, Math.max(0, place + (right ?? 0)))]?.focus();
  event.preventDefault();
}
