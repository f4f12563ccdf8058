/** Steps and attempts as a waterfall: waiting, each call, doubt, and what is planned. */
import type { CSSProperties } from 'react';
import type { Transaction, Transitions } from '../api/types.ts';
import { Code } from '../parts/bits.tsx';
import { serverNow, useTick } from '../parts/clock.ts';
import { clock, count, duration } from '../parts/words.ts';

const TICKS = 5;
/** Calls that are drawn, the last ones; the history below has them all. */
const CALLS_MAX = 24;

interface Call {
  readonly key: string;
  readonly name: string;
  readonly step: number;
  readonly token: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly text: string;
  readonly code: string | null;
}

export function StepsPanel({ transaction }: { readonly transaction: Transaction }) {
  useTick();
  const { recordAt, beganAt, finishedAt, plan, state, nextAttemptAt, step, history, offset, partition } =
    transaction;
  const nowMs = serverNow();
  const startMs = Date.parse(recordAt);
  const endMs = finishedAt === null ? nowMs : Date.parse(finishedAt);
  const plannedMs = nextAttemptAt === null || finishedAt !== null ? null : Date.parse(nextAttemptAt);
  const toMs = Math.max(endMs, plannedMs ?? 0, startMs + 200);
  const spanMs = (toMs - startMs) * 1.12;
  const x = (ms: number) => ((ms - startMs) / spanMs) * 100;
  const steps = plan.slice(plan.indexOf(':') + 1).split(',');
  const calls = callsOf(history).slice(-CALLS_MAX);
  const beganMs = beganAt === null ? null : Date.parse(beganAt);
  return (
    <section className="panel" aria-labelledby="wf-h">
      <div className="ph">
        <h2 id="wf-h">Steps and attempts</h2>
        <span className="sub hide-s">{sentence(transaction, steps)}</span>
        <span className="grow" />
        <span className="keyl hide-m">
          <span>
            <i className="bd w" />
            waiting
          </span>
          <span>
            <i className="bd e" />
            call under way
          </span>
          <span>
            <i className="bd d" />
            in doubt
          </span>
          <span>
            <i className="bd g" />
            planned
          </span>
        </span>
      </div>
      <div className="tg wf">
        {Array.from({ length: TICKS }, (_, tick) => (
          <i key={tick} className="gl" style={place((tick / TICKS) * 100)} />
        ))}
        <div className="tg-r tg-ax">
          <span className="nm" />
          <span className="p">
            {Array.from({ length: TICKS }, (_, tick) => (
              <span
                key={tick}
                className={tick % 2 === 1 ? 'hide-m' : ''}
                style={{ left: `${(tick / TICKS) * 100}%` }}
              >
                {tick === 0 ? clock(startMs) : `+${duration((tick / TICKS) * spanMs)}`}
              </span>
            ))}
          </span>
        </div>
        <div className="tg-r">
          <span className="nm">
            <span className="b">Lane</span>{' '}
            <span className="dim">
              partition {partition}, offset {count(offset)}
            </span>
          </span>
          <span className="p">
            <Bar kind="w" from={x(startMs)} to={x(beganMs ?? endMs)} />
            <Label at={x(beganMs ?? endMs)} text={`waited ${duration((beganMs ?? endMs) - startMs)}`} />
          </span>
        </div>
        {steps.map((name, index) => (
          <StepRows
            key={name}
            {...{ name, index, transaction, calls, x, nowMs, endMs, beganMs, plannedMs }}
            doubtful={index === step && (state === 'in_doubt' || state === 'held')}
          />
        ))}
      </div>
    </section>
  );
}

function sentence({ state, step, attempts, code }: Transaction, steps: readonly string[]): string {
  const name = steps[step] ?? String(step);
  const at = `step ${step + 1} of ${steps.length}, ${name},`;
  switch (state) {
    case 'completed':
      return `${steps.length === 1 ? '1 step' : `${steps.length} steps`} done`;
    case 'rolled_back':
      return 'no effect remains';
    case 'received':
      return 'parked: nothing was sent yet';
    default:
      return `${at} is ${state.replace('_', ' ')}, attempt ${attempts}${code === null ? '' : `, ${code}`}`;
  }
}

/** Each line of the history that ended a call. */
function callsOf(history: Transitions): Call[] {
  const numbers = new Map<string, number>();
  return history.flatMap(({ call, step, token, startedAt, answeredAt, at, event, code, detail }, index) => {
    if (call === null || startedAt === null) return [];
    const key = `${step} ${call}`;
    const number = (numbers.get(key) ?? 0) + 1;
    numbers.set(key, number);
    const text = [event.replaceAll('_', ' '), detail].filter((each) => each !== null).join(': ');
    return [
      {
        key: `${index}`,
        name: number === 1 ? call : `${call} ${number}`,
        step,
        token,
        fromMs: Date.parse(startedAt),
        toMs: Date.parse(answeredAt ?? at),
        text,
        code,
      },
    ];
  });
}

function StepRows({
  name,
  index,
  transaction,
  calls,
  x,
  nowMs,
  endMs,
  beganMs,
  plannedMs,
  doubtful,
}: {
  readonly name: string;
  readonly index: number;
  readonly transaction: Transaction;
  readonly calls: readonly Call[];
  readonly x: (ms: number) => number;
  readonly nowMs: number;
  readonly endMs: number;
  readonly beganMs: number | null;
  readonly plannedMs: number | null;
  readonly doubtful: boolean;
}) {
  const own = calls.filter(({ step }) => step === index);
  const firstDoubt = transaction.history.find(({ to, step }) => to === 'in_doubt' && step === index);
  const doubtMs = firstDoubt === undefined ? null : Date.parse(firstDoubt.at);
  const reached = index <= transaction.step && beganMs !== null;
  const single = transaction.plan.split(',').length === 1;
  const fromMs = index === 0 ? beganMs : (own[0]?.fromMs ?? null);
  const stillMs = transaction.finishedAt === null ? nowMs : endMs;
  return (
    <>
      <div className="tg-r">
        <span className="nm">
          <span className="b">
            {index + 1} {name}
          </span>
        </span>
        <span className="p">
          {reached && fromMs !== null && (
            <Bar
              kind="e"
              from={x(fromMs)}
              to={x(doubtMs ?? (single || doubtful ? stillMs : (own.at(-1)?.toMs ?? stillMs)))}
            />
          )}
          {doubtMs !== null && (
            <Bar kind="d" from={x(doubtMs)} to={x(doubtful ? stillMs : (own.at(-1)?.toMs ?? stillMs))} />
          )}
          {!reached && <Label at={1} text="not begun" />}
        </span>
      </div>
      {own.map(({ key, name: call, token, fromMs: from, toMs: to, text, code }) => (
        <div key={key} className="tg-r">
          <span className="nm in mut">
            {call}
            <span className="tok" title="Fencing token">
              {token}
            </span>
          </span>
          <span className="p">
            <Bar kind="e" from={x(from)} to={x(to)} />
            <span className={`lbl ${x(to) > 62 ? 'lft' : ''}`} style={place(x(to) > 62 ? x(from) : x(to))}>
              {text} {code !== null && <Code code={code} />}
            </span>
          </span>
        </div>
      ))}
      {doubtful && plannedMs !== null && plannedMs > nowMs && (
        <div className="tg-r">
          <span className="nm in mut">
            status<span className="tok">new token</span>
          </span>
          <span className="p">
            <Bar kind="g" from={x(plannedMs)} to={x(plannedMs) + 3} />
            <span className="lbl lft" style={place(x(plannedMs))}>
              in {duration(plannedMs - nowMs)}
            </span>
          </span>
        </div>
      )}
    </>
  );
}

function Bar({
  kind,
  from,
  to,
}: {
  readonly kind: 'w' | 'e' | 'd' | 'g';
  readonly from: number;
  readonly to: number;
}) {
  if (to <= from) return null;
  return (
    <i
      className={`bd ${kind}`}
      style={{ '--x': from.toFixed(2), '--l': (to - from).toFixed(2) } as CSSProperties}
    />
  );
}

function Label({ at, text }: { readonly at: number; readonly text: string }) {
  return (
    <span className="lbl" style={place(at)}>
      {text}
    </span>
  );
}

function place(x: number): CSSProperties {
  return { '--x': x.toFixed(2) } as CSSProperties;
}
