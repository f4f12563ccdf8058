/** Outcomes over time: three curves on one axis, with what happened to the fleet as dotted marks. */
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import type { FleetEvent, Series } from '../api/types.ts';
import { Icon, type IconName } from '../parts/icons.tsx';
import { clock, count, duration, partitionNames, rate } from '../parts/words.ts';

interface Curve {
  readonly name: string;
  readonly className: string;
  readonly icon: IconName;
  readonly colour: string;
  readonly tall: boolean;
  readonly stepped: boolean;
}

const CURVES = {
  completed: {
    name: 'completed',
    className: 'st-done',
    icon: 'done',
    colour: '--go',
    tall: true,
    stepped: false,
  },
  rolledBack: {
    name: 'rolled back',
    className: 'st-back',
    icon: 'back',
    colour: '--back',
    tall: false,
    stepped: false,
  },
  inDoubt: {
    name: 'in doubt',
    className: 'st-doubt',
    icon: 'doubt',
    colour: '--doubt-f',
    tall: false,
    stepped: true,
  },
} as const satisfies Record<string, Curve>;

export function Strips({ series, inDoubt }: { readonly series: Series; readonly inDoubt: number }) {
  const marks = useMemo(() => marksOf(series.events), [series.events]);
  const seconds = series.spanMs / 1000;
  // The last span is not over: a rate is that of the one before.
  const last = series.points.at(-2);
  const data = useMemo(() => {
    const shown = series.points.slice(0, -1);
    const xs = shown.map(({ at }) => Date.parse(at) / 1000);
    return {
      completed: [xs, shown.map(({ completed }) => completed / seconds)],
      rolledBack: [xs, shown.map(({ rolledBack }) => rolledBack / seconds)],
      inDoubt: [xs, shown.map((point) => point.inDoubt)],
    } as const;
  }, [series.points, seconds]);
  const perSecond = (value: number | undefined) => (value === undefined ? '–' : rate(value / seconds));
  return (
    <div className="strips">
      <Strip
        curve={CURVES.completed}
        data={data.completed}
        marks={marks}
        now={perSecond(last?.completed)}
        unit="/s"
      />
      <Strip
        curve={CURVES.rolledBack}
        data={data.rolledBack}
        marks={marks}
        now={perSecond(last?.rolledBack)}
        unit="/s"
      />
      <Strip curve={CURVES.inDoubt} data={data.inDoubt} marks={marks} now={count(inDoubt)} unit="now" />
      <Axis series={series} marks={marks} />
    </div>
  );
}

interface Mark {
  /** Unix time in seconds. */
  readonly x: number;
  readonly text: string;
}

function Strip({
  curve,
  data,
  marks,
  now,
  unit,
}: {
  readonly curve: Curve;
  readonly data: readonly [readonly number[], readonly number[]];
  readonly marks: readonly Mark[];
  readonly now: string;
  readonly unit: string;
}) {
  return (
    <div className={`strip ${curve.tall ? 'tall' : ''}`}>
      <span className="l">
        <span className={`st ${curve.className}`}>
          <Icon name={curve.icon} />
          {curve.name}
        </span>
      </span>
      <Plot curve={curve} data={data} marks={marks} label={`${curve.name}, now ${now} ${unit}`} />
      <span className="v">
        {now} <small>{unit}</small>
      </span>
    </div>
  );
}

/** All three move one cursor. */
const SYNC = 'strips';

function Plot({
  curve,
  data,
  marks,
  label,
}: {
  readonly curve: Curve;
  readonly data: readonly [readonly number[], readonly number[]];
  readonly marks: readonly Mark[];
  readonly label: string;
}) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shownMarks = useRef(marks);
  shownMarks.current = marks;

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(curve, element, shownMarks), [[], []], element);
    plot.current = made;
    const resize = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    resize.observe(element);
    const theme = new MutationObserver(() => made.redraw());
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      resize.disconnect();
      theme.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [curve]);

  useEffect(() => plot.current?.setData([[...data[0]], [...data[1]]]), [data]);
  return <div className="plot" ref={host} role="img" aria-label={label} />;
}

function optionsOf(
  curve: Curve,
  element: HTMLElement,
  marks: { readonly current: readonly Mark[] },
): uPlot.Options {
  const colour = () => colourOf(curve.colour);
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [3, 0, 1, 0],
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false }, points: { show: false }, sync: { key: SYNC } },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.06)] } },
    axes: [{ show: false }, { show: false }],
    series: [
      {},
      {
        stroke: colour,
        fill: () => `color-mix(in srgb, ${colour()} 18%, transparent)`,
        width: 1.5,
        points: { show: false },
        ...(curve.stepped && uPlot.paths.stepped !== undefined
          ? { paths: uPlot.paths.stepped({ align: 1 }) }
          : {}),
      },
    ],
    hooks: { draw: [(made) => drawMarks(made, marks.current)] },
  };
}

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colourOf('--ink-3');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { x } of marks) {
    const at = plot.valToPos(x, 'x', true);
    if (at < bbox.left || at > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(at, 0);
    ctx.lineTo(at, plot.height * devicePixelRatio);
    ctx.stroke();
  }
  ctx.restore();
}

/** As the browser computes it: a canvas does not know custom properties nor light-dark(). */
function colourOf(token: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Of the axis, in percent: what a text of a mark takes. */
const LABEL_SHARE = 30;

function Axis({ series, marks }: { readonly series: Series; readonly marks: readonly Mark[] }) {
  const from = Date.parse(series.points[0]?.at ?? series.asOf);
  const to = Date.parse(series.points.at(-2)?.at ?? series.asOf);
  const placed = marks.flatMap((mark) => {
    const x = ((mark.x * 1000 - from) / Math.max(1, to - from)) * 100;
    // Beside the ends of the axis there is no room; near them the text stands on the other side of its mark.
    if (x < 12 || x > 88) return [];
    const shift = x < LABEL_SHARE ? 0 : x > 100 - LABEL_SHARE ? 1 : 0.5;
    return [{ ...mark, x, shift, start: x - shift * LABEL_SHARE }];
  });
  const [first, last] = [placed[0], placed.at(-1)];
  const shown =
    last !== undefined && first !== undefined && first.start + LABEL_SHARE < last.start
      ? [first, last]
      : placed.slice(-1);
  return (
    <div className="axis">
      <span />
      <span className="x">
        <span style={{ left: 0 }}>{clock(from).slice(0, 5)}</span>
        {shown.map(({ x, text, shift }) => (
          <span
            key={x}
            className="hide-s"
            style={{ left: `${x}%`, transform: `translateX(${-100 * shift}%)` }}
          >
            {text}
          </span>
        ))}
        <span style={{ left: '100%' }}>{clock(to).slice(0, 5)}</span>
      </span>
      <span />
    </div>
  );
}

/** Hand-overs from one worker to another within a few seconds are one mark. */
const TOGETHER_MS = 5_000;

function marksOf(events: readonly FleetEvent[]): Mark[] {
  const marks: (Mark & {
    readonly from: string;
    readonly partitions: number[];
    lost: boolean;
    gapMs: number;
  })[] = [];
  for (const event of events.toReversed()) {
    const { kind, fromWorker, worker, partition } = event;
    if (kind !== 'hand_over' || fromWorker === null || fromWorker === worker || partition === null) continue;
    const x = Date.parse(event.at) / 1000;
    const last = marks.at(-1);
    if (last !== undefined && last.from === fromWorker && (x - last.x) * 1000 < TOGETHER_MS) {
      last.partitions.push(partition);
      last.lost ||= event.lost;
      last.gapMs = Math.max(last.gapMs, event.gapMs ?? 0);
    } else {
      marks.push({
        x,
        text: '',
        from: fromWorker,
        partitions: [partition],
        lost: event.lost,
        gapMs: event.gapMs ?? 0,
      });
    }
  }
  return marks.map(({ x, from, partitions, lost, gapMs }) => {
    const gap = gapMs > 0 ? `, gap ${duration(gapMs)}` : '';
    const what = lost ? `${from} lost` : `${partitionNames(partitions)} from ${from}`;
    return { x, text: `${clock(x * 1000)} ${what}${gap}` };
  });
}
