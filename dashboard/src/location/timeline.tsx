/** The train graph: a row a transaction, time to the right; with a limit of 1 no two solid bars share a moment. */
import type { CSSProperties } from 'react';
import type { LocationPage, Span } from '../api/types.ts';
import { TransactionLink } from '../parts/bits.tsx';
import { serverNow, useTick } from '../parts/clock.ts';
import { Icon } from '../parts/icons.tsx';
import { clock, duration, money, partitionName } from '../parts/words.ts';

const ROWS_MAX = 18;
const TICKS = 5;
/** Room to the right of now. */
const AHEAD = 0.05;

interface Bar {
  readonly kind: 'w' | 'e' | 'd';
  readonly fromMs: number;
  readonly toMs: number;
}

export function Timeline({
  page,
  concurrency,
}: {
  readonly page: LocationPage;
  readonly concurrency: number;
}) {
  useTick();
  const nowMs = serverNow();
  const queued: Span[] = page.queue.map((item) => ({ ...item, history: [] }));
  const ended = page.recent.filter(({ finishedAt }) => finishedAt !== null);
  const open = page.recent.filter(({ finishedAt }) => finishedAt === null);
  const waiting = queued.slice(0, 6);
  const rows = [...ended.slice(-Math.max(4, ROWS_MAX - open.length - waiting.length)), ...open, ...waiting];
  if (rows.length === 0) return null;
  const fromMs = Math.min(...rows.map(({ recordAt, beganAt }) => Date.parse(beganAt ?? recordAt))) - 500;
  const spanMs = Math.max(5_000, (nowMs - fromMs) * (1 + AHEAD));
  const x = (ms: number) => ((ms - fromMs) / spanMs) * 100;
  const handOvers = page.events.filter(({ at }) => Date.parse(at) > fromMs).slice(0, 1);
  return (
    <section className="panel" aria-labelledby="tl-h">
      <div className="ph">
        <h2 id="tl-h">Timeline</h2>
        <span className="sub hide-s">
          {concurrency === 1
            ? 'one row per transaction; with a limit of 1 no two solid bars share a moment'
            : `one row per transaction; at most ${concurrency} solid bars share a moment`}
        </span>
        <span className="grow" />
        <Key />
      </div>
      <div className="tg">
        {Array.from({ length: TICKS }, (_, tick) => (
          <i key={tick} className="gl" style={at((tick / TICKS) * 100)} />
        ))}
        {handOvers.map(({ at: time, worker, partition, gapMs }) => (
          <i key={time} className="gl evt" style={at(x(Date.parse(time)))}>
            <span className="hide-s">
              {partition === null ? '' : partitionName(partition)} to {worker}
              {gapMs === null ? '' : `, gap ${duration(gapMs)}`}
            </span>
          </i>
        ))}
        <i className="gl now" style={at(x(nowMs))}>
          <span>{clock(nowMs)}</span>
        </i>
        <div className="tg-r tg-ax">
          <span className="nm" />
          <span className="p">
            {Array.from({ length: TICKS - 1 }, (_, tick) => (
              <span
                key={tick}
                style={{ left: `${(tick / TICKS) * 100}%` }}
                className={tick % 2 === 1 ? 'hide-s' : ''}
              >
                {clock(fromMs + (tick / TICKS) * spanMs)}
              </span>
            ))}
          </span>
        </div>
        {rows.map((span) => (
          <Row key={span.id} span={span} x={x} nowMs={nowMs} fromMs={fromMs} />
        ))}
        <Occupied spans={[...ended, ...open]} x={x} fromMs={fromMs} nowMs={nowMs} concurrency={concurrency} />
      </div>
    </section>
  );
}

function at(x: number): CSSProperties {
  return { '--x': x.toFixed(2) } as CSSProperties;
}

function Row({
  span,
  x,
  nowMs,
  fromMs,
}: {
  readonly span: Span;
  readonly x: (ms: number) => number;
  readonly nowMs: number;
  readonly fromMs: number;
}) {
  const bars = barsOf(span, nowMs).filter(({ toMs }) => toMs >= fromMs);
  const end = span.finishedAt === null ? null : Date.parse(span.finishedAt);
  return (
    <div
      className={`tg-r ${span.state === 'in_doubt' || span.state === 'held' ? 'cur' : ''}`}
      title={textOf(bars, span)}
    >
      <span className="nm">
        <TransactionLink id={span.id} row />
        <span className="dim cut">{span.money === null ? (span.label ?? '') : money(span.money)}</span>
      </span>
      <span className="p">
        {bars.map((bar) => (
          <Piece key={`${bar.kind}${bar.fromMs}`} bar={bar} x={x} fromMs={fromMs} />
        ))}
        {end !== null && (
          <svg
            className={`i mk ${span.state === 'completed' ? 'st-done' : 'st-back'}`}
            style={at(x(end))}
            aria-hidden="true"
          >
            <use href={span.state === 'completed' ? '#i-done' : '#i-back'} />
          </svg>
        )}
      </span>
    </div>
  );
}

function Piece({
  bar,
  x,
  fromMs,
}: {
  readonly bar: Bar;
  readonly x: (ms: number) => number;
  readonly fromMs: number;
}) {
  const from = Math.max(bar.fromMs, fromMs);
  return (
    <i
      className={`bd ${bar.kind}`}
      style={
        { '--x': x(from).toFixed(2), '--l': Math.max(0, x(bar.toMs) - x(from)).toFixed(2) } as CSSProperties
      }
    />
  );
}

/** Waiting from the record on, then executing, with what was in doubt as such. */
function barsOf({ recordAt, beganAt, finishedAt, history, state }: Span, nowMs: number): Bar[] {
  const recordMs = Date.parse(recordAt);
  if (beganAt === null)
    return [{ kind: 'w', fromMs: recordMs, toMs: finishedAt === null ? nowMs : Date.parse(finishedAt) }];
  const beganMs = Date.parse(beganAt);
  const endMs = finishedAt === null ? nowMs : Date.parse(finishedAt);
  const bars: Bar[] = beganMs - recordMs > 50 ? [{ kind: 'w', fromMs: recordMs, toMs: beganMs }] : [];
  let kind: Bar['kind'] = 'e';
  let fromMs = beganMs;
  for (const { at: time, to } of history) {
    const next = to === 'in_doubt' || to === 'held' ? 'd' : 'e';
    if (next === kind) continue;
    bars.push({ kind, fromMs, toMs: Date.parse(time) });
    kind = next;
    fromMs = Date.parse(time);
  }
  if (finishedAt === null && history.length === 0 && (state === 'in_doubt' || state === 'held')) kind = 'd';
  bars.push({ kind, fromMs, toMs: endMs });
  return bars;
}

const WORDS = { w: 'waited', e: 'executed', d: 'in doubt' } as const;

function textOf(bars: readonly Bar[], { state }: Span): string {
  return [
    ...bars.map(({ kind, fromMs, toMs }) => `${WORDS[kind]} ${duration(toMs - fromMs)}`),
    state.replace('_', ' '),
  ].join(', ');
}

function Occupied({
  spans,
  x,
  fromMs,
  nowMs,
  concurrency,
}: {
  readonly spans: readonly Span[];
  readonly x: (ms: number) => number;
  readonly fromMs: number;
  readonly nowMs: number;
  readonly concurrency: number;
}) {
  if (concurrency !== 1) return null;
  const bars = spans.flatMap((span) =>
    barsOf(span, nowMs).filter(({ kind, toMs }) => kind !== 'w' && toMs > fromMs),
  );
  const busyMs = bars.reduce((sum, bar) => sum + bar.toMs - Math.max(bar.fromMs, fromMs), 0);
  return (
    <div className="tg-r slotrow">
      <span className="nm dim">
        <span>
          slot 1
          <span className="hide-s">
            , occupied {Math.round((busyMs / Math.max(1, nowMs - fromMs)) * 100)} %
          </span>
        </span>
      </span>
      <span className="p">
        {bars.map((bar) => (
          <Piece key={`${bar.kind}${bar.fromMs}`} bar={bar} x={x} fromMs={fromMs} />
        ))}
      </span>
    </div>
  );
}

function Key() {
  return (
    <span className="keyl hide-m">
      <span>
        <i className="bd w" />
        waiting
      </span>
      <span>
        <i className="bd e" />
        executing
      </span>
      <span>
        <i className="bd d" />
        in doubt or held
      </span>
      <span className="st st-done">
        <Icon name="done" />
        completed
      </span>
      <span className="st st-back">
        <Icon name="back" />
        rolled back
      </span>
    </span>
  );
}
