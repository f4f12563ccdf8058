/** The levers of the demo: break something and watch; the proof counters must stay at 0. */

import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, act } from '../api/client.ts';
import { useLab } from '../api/queries.ts';
import { Panel } from '../parts/bits.tsx';
import { say } from '../parts/say.ts';
import { clock } from '../parts/words.ts';
import { ProblemNote } from '../shell/dialog.tsx';

const LEVERS = [
  ['kill-worker', 'Kill a worker', 'its lanes go on at the others'],
  ['cut-database', 'Cut the database', 'begins stop, nothing is lost'],
  ['lose-answer', 'Lose the next answer', 'one lane goes in doubt'],
  ['jam-location', 'Jam a location', 'only its own lane waits'],
  ['hold-kiosk', 'Lose an answer for good', 'a kiosk of grade G0: a person must decide'],
  ['bad-record', 'Send a bad record', 'a dead letter, the lane goes on'],
  ['rebalance', 'Force a rebalance', 'partitions are handed over'],
] as const;

export function LabPanel() {
  const client = useQueryClient();
  const { data } = useLab(true);
  const [busy, setBusy] = useState<string | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const pull = async (lever: string) => {
    if (busy !== null) return;
    setBusy(lever);
    setProblem(null);
    try {
      const { text } = await act<{ text: string }>('POST', `/v1/lab/${lever}`);
      say(text);
      await client.invalidateQueries({ queryKey: ['live', 'lab'] });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <Panel title="Lab" className="lab-p" sub="demo only. Break something; the proof counters must stay at 0">
      <div className="frame">
        {LEVERS.map(([lever, name, what]) => (
          <button
            key={lever}
            className={`lever ${busy === lever ? 'pulled' : ''}`}
            type="button"
            data-lab={lever}
            aria-disabled={busy !== null}
            onClick={() => void pull(lever)}
          >
            <svg viewBox="0 0 14 26" aria-hidden="true" fill="none">
              <path d="M2 24h10" stroke="var(--ink-3)" strokeWidth="2" strokeLinecap="round" />
              <g>
                <path d="M7 22V8" stroke="var(--ink-2)" strokeWidth="2" />
                <rect x="4.500" y="1" width="5" height="9" rx="2" fill="var(--ink)" />
              </g>
            </svg>
            <span className="grow">
              {name}
              <small>{what}</small>
            </span>
          </button>
        ))}
      </div>
      {problem !== null && (
        <div className="pb">
          <ProblemNote problem={problem} />
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <div className="log" role="log" aria-label="Lab log" tabIndex={0}>
        {(data?.log ?? []).toReversed().map(({ at, lever, text }) => (
          <div key={`${at}${text}`}>
            <span className="dim">{clock(at)}</span> <b>{LEVERS.find(([name]) => name === lever)?.[1]}</b>:{' '}
            {text}
          </div>
        ))}
        {data?.log.length === 0 && <div>Nothing was broken yet.</div>}
      </div>
    </Panel>
  );
}
