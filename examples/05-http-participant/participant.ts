/**
 * The rules of a participant of grade G3 over SQLite; docs/reference/participant.md numbers them. One process at a time:
 * what runs in its memory is not seen by another.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Answer, Ask, Machine, Work } from './contract.ts';

const TABLES = `pragma synchronous = full;
  create table if not exists marks (location, slot, token integer, key, primary key (location, slot));
  create table if not exists steps (key primary key, work, doing, answer);`;
const RAISE = `insert into marks as m values (?, ?, ?, ?) on conflict do update set token = excluded.token, key = excluded.key
  where m.token < excluded.token or (m.token = excluded.token and m.key = excluded.key) returning 1`;
const MARK = 'select cast(token as text) as mark from marks where location = ? and slot = ?';
const KEEP = `insert into steps values (?, ?, ?, ?)
  on conflict do update set doing = excluded.doing, answer = excluded.answer`;

export function participant(file: string, machine: Machine): (ask: Ask) => Promise<Answer> {
  const database = new DatabaseSync(file);
  database.exec(TABLES);
  const raise = database.prepare(RAISE);
  const mark = database.prepare(MARK);
  const known = database.prepare('select answer from steps where key = ?');
  const keeping = database.prepare(KEEP);

  function keep(work: Work, doing: string | null, answer: Answer): Answer {
    keeping.run(work.key, JSON.stringify(work), doing, JSON.stringify(answer));
    return answer;
  }

  /** Says what is recorded, or what begins now. It is synchronous, so nothing else comes between. */
  function accept({ kind, slot, token, notAfterMs }: Ask, work: Work): Answer | keyof Machine {
    const { key, location } = work;
    if (raise.get(location, slot, token, key) === undefined)
      return { outcome: 'stale', mark: String(mark.get(location, slot)?.mark) }; // rule 1
    const row = known.get(key);
    const found = row === undefined ? null : (JSON.parse(String(row.answer)) as Answer);
    if (kind === 'status') return found ?? { outcome: 'never' }; // rule 5: the mark is raised
    if (kind === 'execute' && found !== null) return found; // rule 3, and pending while it is under way
    if (kind === 'execute' && notAfterMs < Date.now()) return { outcome: 'retry', reason: 'too late' };
    if (kind === 'reverse' && (found === null || found.outcome === 'refused'))
      return keep(work, null, { outcome: 'reversed' }); // rule 4: a tombstone
    if (kind === 'reverse' && found !== null && found.outcome !== 'done') return found;
    keep(work, kind, { outcome: 'pending' });
    return kind as keyof Machine;
  }

  /** Until its answer is kept, everybody is answered pending. */
  async function act(work: Work, doing: keyof Machine): Promise<Answer> {
    return keep(work, null, await machine[doing](work));
  }

  // Rule 2: what had started when the process died is recorded to its end.
  for (const { work, doing } of database.prepare('select * from steps where doing is not null').all())
    void act(JSON.parse(String(work)) as Work, doing as keyof Machine);

  return async (ask) => {
    const { key, step, location, data } = ask;
    const work = { key, step, location, data };
    database.exec('begin immediate');
    try {
      const accepted = accept(ask, work);
      database.exec('commit'); // durable, before anything moves
      return typeof accepted === 'string' ? await act(work, accepted) : accepted;
    } finally {
      if (database.isTransaction) database.exec('rollback');
    }
  };
}
