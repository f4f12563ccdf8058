/** Acts on many locations: counted first, one after the other with progress, and undone the same way. */

import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, act } from '../api/client.ts';
import { say } from '../parts/say.ts';
import { plural } from '../parts/words.ts';
import { ActDialog } from '../shell/dialog.tsx';
import { ActButton } from '../shell/role.tsx';

interface Job {
  readonly paused: boolean;
  readonly done: readonly string[];
  readonly failed: readonly string[];
  readonly all: number;
}

export function BulkBar({
  locations,
  onClear,
}: {
  readonly locations: readonly string[];
  readonly onClear: () => void;
}) {
  const client = useQueryClient();
  const [asking, setAsking] = useState<'pause' | 'resume' | null>(null);
  const [job, setJob] = useState<Job | null>(null);
  const run = async (paused: boolean, reason: string, which: readonly string[]) => {
    const done: string[] = [];
    const failed: string[] = [];
    for (const location of which) {
      try {
        await act('PUT', `/v1/limits/${encodeURIComponent(location)}`, { paused, reason });
        done.push(location);
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        failed.push(location);
      }
      setJob({ paused, done: [...done], failed: [...failed], all: which.length });
    }
    say(`${paused ? 'Paused' : 'Resumed'} ${plural(done.length, 'location')}`);
    await client.invalidateQueries({ queryKey: ['live'] });
  };
  const name = asking === 'pause' ? 'Pause' : 'Resume';
  return (
    <section className="bulk" aria-label="Selected">
      <b>{plural(locations.length, 'location')}</b>
      {job !== null && (
        <span>
          {job.paused ? 'paused' : 'resumed'} {job.done.length} of {job.all}
          {job.failed.length > 0 && `, ${job.failed.length} refused`}
        </span>
      )}
      <ActButton className="sm" icon="pause" onAct={() => setAsking('pause')}>
        Pause…
      </ActButton>
      <ActButton className="sm" icon="play" onAct={() => setAsking('resume')}>
        Resume…
      </ActButton>
      {job !== null && job.done.length === job.all - job.failed.length && job.done.length > 0 && (
        <button className="btn sm" type="button" onClick={() => void run(!job.paused, 'undone', job.done)}>
          Undo
        </button>
      )}
      <button className="btn sm" type="button" onClick={onClear}>
        Clear
      </button>
      {asking !== null && (
        <ActDialog
          title={`${name} ${plural(locations.length, 'location')}`}
          preview={
            asking === 'pause' ? (
              <>
                New begins stop at <b>{plural(locations.length, 'location')}</b>: {preview(locations)}. What
                is under way goes on; what waits stays in order. Other locations are not affected.
              </>
            ) : (
              <>
                Begins go on at <b>{plural(locations.length, 'location')}</b>: {preview(locations)}. A pause
                by pattern stays.
              </>
            )
          }
          button={`${name} ${plural(locations.length, 'location')}`}
          says={`${name} begun`}
          onAct={async (reason) => {
            void run(asking === 'pause', reason, locations);
          }}
          onClose={() => setAsking(null)}
        />
      )}
    </section>
  );
}

const NAMED = 6;

function preview(locations: readonly string[]): string {
  const named = locations.slice(0, NAMED).join(', ');
  return locations.length > NAMED ? `${named} and ${locations.length - NAMED} more` : named;
}
