/** Pause, resume and limit of one location. */

import { useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { act } from '../api/client.ts';
import type { LocationRow, Why } from '../api/types.ts';
import { plural, short } from '../parts/words.ts';
import { ActDialog } from '../shell/dialog.tsx';

function useSet(location: string) {
  const client = useQueryClient();
  return async (change: object) => {
    await act('PUT', `/v1/limits/${encodeURIComponent(location)}`, change);
    await client.invalidateQueries({ queryKey: ['live'] });
  };
}

export function PauseDialog({
  why,
  row,
  onClose,
}: {
  readonly why: Why;
  readonly row: LocationRow;
  readonly onClose: () => void;
}) {
  const set = useSet(why.location);
  const [paused] = useState(!why.paused);
  const [holder] = why.holders;
  const name = paused ? 'Pause' : 'Resume';
  return (
    <ActDialog
      title={`${name} ${why.location}`}
      button={`${name} ${why.location}`}
      says={`${why.location} is ${paused ? 'paused' : 'resumed'}`}
      preview={
        paused ? (
          <>
            New begins stop. {holder === undefined ? '' : `${short(holder.id)} keeps its slot and goes on. `}
            <b>{plural(row.waiting, 'waiting transaction')}</b> stay in order. Other locations are not
            affected.
          </>
        ) : (
          <>
            Begins go on within two seconds, with <b>{plural(row.waiting, 'waiting transaction')}</b> in
            order. A pause by pattern stays.
          </>
        )
      }
      onAct={(reason) => set({ paused, reason })}
      onClose={onClose}
    />
  );
}

const LIMIT_MAX = 1_000;

export function LimitDialog({ why, onClose }: { readonly why: Why; readonly onClose: () => void }) {
  const set = useSet(why.location);
  const id = useId();
  const [text, setText] = useState(String(why.concurrency));
  const value = text.trim() === '' ? null : Math.min(LIMIT_MAX, Math.max(1, Math.trunc(Number(text) || 1)));
  return (
    <ActDialog
      title={`Set the limit of ${why.location}`}
      button={value === null ? 'Set as configured' : `Set the limit to ${value}`}
      says={`Limit of ${why.location} set`}
      fields={
        <div className="field">
          <label htmlFor={id}>Transactions at the same time; empty: as configured</label>
          <input
            id={id}
            type="number"
            min={1}
            max={LIMIT_MAX}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
      }
      preview={
        <>
          {value !== null && value < why.holders.length
            ? `${why.holders.length} hold a slot now: none is stopped, and none begins until fewer than ${value} do. `
            : 'What is under way goes on. '}
          Above 1 only the begins are in record order. Other locations are not affected.
        </>
      }
      onAct={(reason) => set({ concurrency: value, reason })}
      onClose={onClose}
    />
  );
}
