/** The history of a transaction: each line is one fenced ledger commit. */
import type { Transaction, Transitions } from '../api/types.ts';
import { Code, Panel } from '../parts/bits.tsx';
import { StateLamp, stateWord } from '../parts/states.tsx';
import { exact, exactClock } from '../parts/words.ts';

export interface Line {
  readonly at: string;
  readonly state: Transitions[number]['to'];
  /** Name of the step, where one is under way. */
  readonly step: string | null;
  readonly because: string;
  readonly code: string | null;
  readonly token: string | null;
  readonly by: string | null;
}

/** The plain begin and finish are in the row itself, everything else is in its history. */
export function linesOf(transaction: Transaction): Line[] {
  const { parkedAt, beganAt, finishedAt, history, state, plan, recordAt, reason } = transaction;
  const steps = plan.slice(plan.indexOf(':') + 1).split(',');
  const first = (time: string, because: string, to: Line['state']): Line => ({
    at: time,
    state: to,
    step: to === 'executing' ? (steps[0] ?? null) : null,
    because,
    code: null,
    token: null,
    by: null,
  });
  const lines: Line[] = [];
  if (parkedAt !== null) lines.push(first(parkedAt, 'waited for its lane: parked', 'received'));
  if (beganAt !== null) lines.push(first(beganAt, `begin, plan ${plan}`, 'executing'));
  for (const { at, to, step, event, call, code, detail, token, worker, epoch } of history) {
    const why = [event.replaceAll('_', ' '), call === null ? null : `after ${call}`, detail].filter(
      (each) => each !== null,
    );
    lines.push({
      at,
      state: to,
      step: steps[step] ?? null,
      because: why.join(', '),
      code,
      token,
      by: `${worker}, epoch ${epoch}`,
    });
  }
  const told = history.at(-1)?.to === state;
  if (finishedAt !== null && !told) lines.push(first(finishedAt, reason ?? 'every step is done', state));
  if (lines.length === 0) lines.push(first(recordAt, 'received', state));
  return lines;
}

export function HistoryPanel({ transaction }: { readonly transaction: Transaction }) {
  const lines = linesOf(transaction);
  return (
    <Panel title="History" sub="append-only, each line is one fenced ledger commit">
      <div className="scroll-x">
        <table className="hist">
          <thead>
            <tr>
              <th>Time, UTC</th>
              <th>Change</th>
              <th>Because</th>
              <th className="num">Token</th>
              <th>Written by</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={`${line.at}${line.state}${line.token}${line.because}`}>
                <td className="mono" title={exact(line.at)}>
                  {exactClock(line.at)}
                </td>
                <td>
                  <StateLamp state={line.state}>
                    {stateWord(line.state)}
                    {line.step === null ? '' : ` ${line.step}`}
                  </StateLamp>
                </td>
                <td className="mut wrap">
                  {line.because} {line.code !== null && <Code code={line.code} />}
                </td>
                <td className="num mono">{line.token ?? <span className="dim">–</span>}</td>
                <td className="mut">{line.by ?? <span className="dim">–</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
