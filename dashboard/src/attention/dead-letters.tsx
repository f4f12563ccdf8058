/** Dead letters by code, and those of one code one by one. */

import { useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { act } from '../api/client.ts';
import { useDeadLetter, useDeadLetters, useErrors } from '../api/queries.ts';
import type { Attention, DeadLetter } from '../api/types.ts';
import { Age, Code, Nothing, Panel, TransactionLink } from '../parts/bits.tsx';
import { useParameters } from '../parts/url.ts';
import { count, partitionNames, plural } from '../parts/words.ts';
import { ActDialog, Dialog } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';

export function DeadLettersPanel({ attention }: { readonly attention: Attention }) {
  const [parameters, set] = useParameters();
  const code = parameters.get('code');
  const { data: errors } = useErrors();
  const of = new Map(errors?.errors.map((each) => [each.code, each]));
  const records = attention.deadLetters.reduce((sum, each) => sum + each.records, 0);
  return (
    <div id="dead">
      <Panel
        title="Dead letters"
        sub={`${plural(records, 'record')} that ${records === 1 ? 'was' : 'were'} never executed, in ${plural(attention.deadLetters.length, 'group')}; their lanes went on`}
        right={<span className="sub mono hide-s">signalbox dead-letters</span>}
      >
        {attention.deadLetters.length === 0 && <Nothing>Every record became a transaction.</Nothing>}
        <div className="scroll-x">
          <table>
            {attention.deadLetters.length > 0 && (
              <thead>
                <tr>
                  <th>Code</th>
                  <th>Cause and remedy</th>
                  <th className="num">Records</th>
                  <th className="num">Open</th>
                  <th className="hide-m">Partitions</th>
                  <th>Last</th>
                  <th />
                </tr>
              </thead>
            )}
            <tbody>
              {attention.deadLetters.map((group) => (
                <tr key={group.code}>
                  <td>
                    <Code code={group.code} />
                  </td>
                  <td className="wrap">
                    <span className="b">{of.get(group.code)?.cause}</span>
                    <br />
                    <span className="mut">{of.get(group.code)?.remedy}</span>
                  </td>
                  <td className="num b">{count(group.records)}</td>
                  <td className="num">
                    {group.open > 0 ? (
                      <span className="badge">{count(group.open)}</span>
                    ) : (
                      <span className="dim">0</span>
                    )}
                  </td>
                  <td className="mono mut hide-m">{partitionNames(group.partitions)}</td>
                  <td className="mut">
                    <Age since={group.lastAt} ago />
                  </td>
                  <td className="num">
                    <button
                      className="btn sm"
                      type="button"
                      aria-expanded={code === group.code}
                      onClick={() => set({ code: code === group.code ? null : group.code })}
                    >
                      {code === group.code ? 'Close' : 'Look at them'}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {code !== null && <Letters code={code} />}
      </Panel>
    </div>
  );
}

type Asking = { readonly act: 'look' | 'replay' | 'discard'; readonly letter: DeadLetter } | null;

function Letters({ code }: { readonly code: string }) {
  const { data } = useDeadLetters(code, false);
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(null);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section className="scroll-x scroll-y" aria-label={`Dead letters with ${code}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Partition, offset</th>
            <th>Location</th>
            <th>Id</th>
            <th>Detail</th>
            <th>State</th>
            <th>When</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {data?.deadLetters.map((letter) => (
            <LetterRow
              key={`${letter.partition}/${letter.offset}`}
              letter={letter}
              onAsk={(name) => setAsking({ act: name, letter })}
            />
          ))}
        </tbody>
      </table>
      {asking?.act === 'look' && <LookDialog letter={asking.letter} onClose={close} />}
      {asking?.act === 'replay' && <ReplayDialog letter={asking.letter} onClose={close} />}
      {asking?.act === 'discard' && <DiscardDialog letter={asking.letter} onClose={close} />}
    </section>
  );
}

function LetterRow({
  letter,
  onAsk,
}: {
  readonly letter: DeadLetter;
  readonly onAsk: (act: 'look' | 'replay' | 'discard') => void;
}) {
  const done = letter.state === 'open' || letter.state === 'replaying' ? null : `It is ${letter.state}.`;
  return (
    <tr>
      <td className="mono">{placeOf(letter)}</td>
      <td>{letter.location ?? <span className="dim">not readable</span>}</td>
      <td className="mono">{letter.id ?? <span className="dim">not readable</span>}</td>
      <td className="mut wrap">{letter.detail}</td>
      <td>
        {letter.state}
        {letter.replayedAs !== null && (
          <>
            {' '}
            as <TransactionLink id={letter.replayedAs} />
          </>
        )}
      </td>
      <td className="mut">
        <Age since={letter.at} ago />
      </td>
      <td className="num">
        <span className="bar nowrap">
          <button className="btn sm" type="button" onClick={() => onAsk('look')}>
            Look
          </button>
          <ActButton className="sm" not={done} onAct={() => onAsk('replay')}>
            Replay…
          </ActButton>
          <ActButton className="sm" not={done} onAct={() => onAsk('discard')}>
            Discard…
          </ActButton>
        </span>
      </td>
    </tr>
  );
}

function placeOf({ partition, offset }: DeadLetter): string {
  return `${partition}/${offset}`;
}

function LookDialog({ letter, onClose }: { readonly letter: DeadLetter; readonly onClose: () => void }) {
  const { data } = useDeadLetter(placeOf(letter));
  return (
    <Dialog label={`Dead letter ${placeOf(letter)}`} onClose={onClose}>
      <div className="dh">
        <h2>Dead letter {placeOf(letter)}</h2>
      </div>
      <div className="dbody">
        <dl className="kv">
          <dt>Key</dt>
          <dd className="mono">{data?.key ?? data?.keyBase64 ?? 'none'}</dd>
          <dt>Detail</dt>
          <dd>{letter.detail}</dd>
          {data?.resolvedBy != null && (
            <>
              <dt>Dealt with</dt>
              <dd>
                by {data.resolvedBy}: {data.resolvedReason}
              </dd>
            </>
          )}
        </dl>
        <pre className="code json">{data?.value ?? data?.valueBase64 ?? 'no value'}</pre>
      </div>
      <div className="df">
        <span className="grow" />
        <button className="btn" type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function ReplayDialog({ letter, onClose }: { readonly letter: DeadLetter; readonly onClose: () => void }) {
  const client = useQueryClient();
  const { data } = useDeadLetter(placeOf(letter));
  const [value, setValue] = useState<string | null>(null);
  const id = useId();
  const shown = value ?? data?.value ?? '';
  const mended = value !== null && value !== data?.value;
  return (
    <ActDialog
      title={`Replay ${placeOf(letter)}`}
      button={mended ? 'Replay it mended' : 'Replay it as it is'}
      says="Replayed"
      fields={
        <div className="field">
          <label htmlFor={id}>Record value; mend it here</label>
          <textarea
            id={id}
            className="mono"
            rows={6}
            value={shown}
            onChange={(event) => setValue(event.target.value)}
          />
        </div>
      }
      preview="The record goes on the topic once more, under the same key. What would be a dead letter again is refused, and nothing is sent."
      onAct={async (reason) => {
        await act('POST', `/v1/dead-letters/${placeOf(letter)}/replay`, {
          reason,
          ...(mended ? { value: shown } : {}),
        });
        await client.invalidateQueries({ queryKey: ['live'] });
      }}
      onClose={onClose}
    />
  );
}

function DiscardDialog({ letter, onClose }: { readonly letter: DeadLetter; readonly onClose: () => void }) {
  const client = useQueryClient();
  return (
    <ActDialog
      title={`Discard ${placeOf(letter)}`}
      button="Discard it"
      says="Discarded"
      preview="It will not be executed. The record is kept, with who discarded it and why."
      onAct={async (reason) => {
        await act('POST', `/v1/dead-letters/${placeOf(letter)}/discard`, { reason });
        await client.invalidateQueries({ queryKey: ['live'] });
      }}
      onClose={onClose}
    />
  );
}
