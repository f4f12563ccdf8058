/** The statements of the embedded log: calls of its functions (migrations/) and what is read directly (sql/). */
import { readFileSync } from 'node:fs';
import type { Statement } from './database.ts';

/** What `heartbeat` answers. */
export interface HeartbeatRow {
  readonly alive: boolean;
  readonly was_silent: boolean | null;
  readonly others_dead: boolean;
  readonly unassigned: boolean | null;
  readonly partitions: number[] | null;
  readonly group_offsets: (string | null)[] | null;
  readonly leaving: boolean[] | null;
}

/** What `read_group` answers. */
export interface GroupRow {
  readonly generation: string;
  readonly members: string[];
  readonly partitions: number[] | null;
  readonly owners: (string | null)[] | null;
  readonly wanted: (string | null)[] | null;
}

/** What `sql/fetch.sql` answers. */
export interface FetchRow {
  readonly partition: number;
  readonly first_offset: string;
  readonly next_offset: string;
  readonly frames: Buffer | null;
  readonly bytes: Buffer | null;
}

const call = (name: string, text: string): Statement => ({ name: `signalbox_log_${name}`, text });

export const APPEND = call('append', 'SELECT signalbox_log.append($1, $2, $3, $4, $5, $6, $7)');
export const JOIN = call('join', 'SELECT signalbox_log.join_group($1, $2, $3, $4, $5, $6) AS joined');
export const HEARTBEAT = call('heartbeat', 'SELECT * FROM signalbox_log.heartbeat($1, $2, $3, $4)');
export const EXPIRE = call('expire', 'SELECT signalbox_log.expire_members($1, $2, $3) AS removed');
export const READ_GROUP = call('read_group', 'SELECT * FROM signalbox_log.read_group($1, $2)');
export const ASSIGN = call('assign', 'SELECT signalbox_log.assign($1, $2, $3, $4, $5)');
export const COMMIT = call('commit', 'SELECT signalbox_log.commit_offsets($1, $2, $3, $4, $5)');
export const RELEASE = call('release', 'SELECT signalbox_log.release_partitions($1, $2, $3, $4, $5)');
export const BEGIN_LEAVE = call('begin_leave', 'SELECT signalbox_log.begin_leave($1, $2, $3)');
export const LEAVE = call('leave', 'SELECT signalbox_log.leave_group($1, $2, $3)');
export const DELETE_OLD = call('delete_old', 'SELECT signalbox_log.delete_old($1, $2, $3, $4) AS deleted');
export const END_OFFSETS = call(
  'end_offsets',
  'SELECT partition, next_offset FROM signalbox_log.partitions WHERE topic = $1',
);
export const LAST_HEADERS = call(
  'last_headers',
  readFileSync(new URL('./sql/last-headers.sql', import.meta.url), 'utf8'),
);
export const FETCH = call('fetch', readFileSync(new URL('./sql/fetch.sql', import.meta.url), 'utf8'));
