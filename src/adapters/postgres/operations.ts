/** Decisions of people on Postgres (src/engine/ports-operate.ts says what each promises). */
import { hash } from 'node:crypto';
import type pg from 'pg';
import { COMMAND_STATES } from '../../core/commands.ts';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import type { State } from '../../core/states.ts';
import type {
  Approval,
  AttentionView,
  AuditCheck,
  CommandOutcome,
  Denial,
  LimitChange,
  Operations,
  Proposal,
  Proposed,
  WatermarkMove,
} from '../../engine/ports-operate.ts';
import { ConnectionPool } from './connection.ts';
import { OPERATE } from './operate-files.ts';

export interface OperationsOptions {
  readonly connectionString: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  readonly topic: string;
  /** Which shard this server has to be; null, the default: none. A limit on another one would not be heard of. */
  readonly shard?: number | null;
}

/** Rows of the audit that are read at once. */
const AUDIT_PAGE = 1_000;

interface Found {
  readonly partition: number;
  readonly location: string;
  readonly state: State;
  readonly token: string | null;
  readonly alive: boolean;
}

interface CommandColumns {
  readonly id: string;
  readonly location: string;
  readonly actor: string;
  readonly needs_approval: boolean;
  readonly approved_by: string | null;
  readonly decided: boolean;
  readonly expired: boolean;
}

interface AuditRow {
  readonly sequence: string;
  readonly at_ms: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
  readonly detail: string;
  readonly previous_hash: Buffer;
  readonly hash: Buffer;
}

export class PostgresOperations implements Operations {
  readonly #topic: string;
  readonly #shard: number | null;
  readonly #pool: ConnectionPool;

  /** Connects at the first call. */
  constructor({ topic, shard = null, ...connection }: OperationsOptions) {
    this.#topic = topic;
    this.#shard = shard;
    this.#pool = new ConnectionPool({
      ...connection,
      applicationName: 'signalbox operations',
      connectionsMax: 1,
    });
  }

  /** Throws SB-2013 as well. */
  async setLimit({ location, concurrency, paused, actor, reason }: LimitChange): Promise<void> {
    const change = [location, concurrency ?? null, concurrency !== undefined, paused ?? null, actor, reason];
    const values = [...change, this.#shard];
    const { rowCount } = await this.#pool.run((client) => client.query(OPERATE.setLimit, values));
    if (rowCount !== 0) return;
    const wanted = this.#shard === null ? 'no shard' : `shard ${this.#shard}`;
    throw new SignalboxError('SB-2013', `the server named as ${wanted} is another; nothing was set`);
  }

  async moveWatermark({ partition, offset, actor, reason }: WatermarkMove): Promise<void> {
    const values = [this.#topic, partition, offset, actor, reason];
    const { rowCount } = await this.#pool.run((client) => client.query(OPERATE.moveWatermark, values));
    if (rowCount === 0) throw new SignalboxError('SB-6012', `partition ${partition}, offset ${offset}`);
  }

  async propose({ id, action, evidence, actor, reason, seen, approvalMs }: Proposal): Promise<Proposed> {
    const { rows } = await this.#pool.run((client) => client.query<Found>(OPERATE.find, [this.#topic, id]));
    const [row] = rows;
    if (row === undefined) throw new SignalboxError('SB-6007', id);
    const { partition, location, state, token, alive } = row;
    const states = COMMAND_STATES[action];
    if (!states.includes(state)) {
      throw new SignalboxError('SB-6008', `${id} is ${state}; ${action} is for ${states.join(', ')}`);
    }
    if (seen !== undefined && (seen.state !== state || seen.token !== token)) {
      const now = `${state}${token === null ? '' : ` under token ${token}`}`;
      throw new SignalboxError('SB-6008', `${id} is ${now}, not ${seen.state} as it was seen`);
    }
    const decision = [state, token, evidence, reason, actor, approvalMs ?? null];
    const values = [this.#topic, partition, id, location, action, ...decision];
    const proposed = await this.#pool.run((client) =>
      client.query<{ sequence: string }>(OPERATE.propose, values),
    );
    return { sequence: Number(proposed.rows[0]?.sequence), location, state, token, ownerAlive: alive };
  }

  async commandLocation(sequence: number): Promise<string> {
    return (await this.#command(sequence)).location;
  }

  async approve({ sequence, actor, reason }: Approval): Promise<void> {
    const { rowCount } = await this.#pool.run((client) =>
      client.query(OPERATE.approve, [this.#topic, sequence, actor, reason]),
    );
    if (rowCount !== 0) return;
    const found = await this.#command(sequence);
    throw new SignalboxError('SB-6013', `command ${sequence} ${whyNotApproved(found, actor)}`);
  }

  async #command(sequence: number): Promise<CommandColumns> {
    const { rows } = await this.#pool.run((client) =>
      client.query<CommandColumns>(OPERATE.command, [this.#topic, sequence]),
    );
    const [row] = rows;
    if (row === undefined) throw new SignalboxError('SB-6001', `command ${sequence}`);
    return row;
  }

  async deny({ actor, action, target, detail }: Denial): Promise<void> {
    const values = [actor, `${action} denied`, target, '', detail];
    await this.#pool.run((client) => client.query(OPERATE.deny, values));
  }

  async outcome(sequence: number): Promise<CommandOutcome> {
    const { rows } = await this.#pool.run((client) =>
      client.query<{ outcome: 'applied' | 'refused' | null; found: string | null }>(OPERATE.outcome, [
        sequence,
      ]),
    );
    const { outcome = null, found = null } = rows[0] ?? {};
    if (outcome === null) return { outcome: 'waiting' };
    return outcome === 'applied' ? { outcome } : { outcome, found: found ?? '' };
  }

  async attention(limit: number): Promise<AttentionView[]> {
    const { rows } = await this.#pool.run((client) =>
      client.query<Omit<AttentionView, 'since'> & { since: Date }>(OPERATE.attention, [this.#topic, limit]),
    );
    return rows.map((row) => ({ ...row, since: row.since.toISOString() }));
  }

  async verifyAudit(): Promise<AuditCheck> {
    // Read first: rows that are appended meanwhile lie beyond it.
    const { rows: ends } = await this.#pool.run((client) =>
      client.query<{ sequence: string }>(OPERATE.auditEnd),
    );
    const end = Number(ends[0]?.sequence);
    let rows = 0;
    let previous: Buffer = Buffer.alloc(0);
    for (;;) {
      const page = await this.#pool.run((client) =>
        client.query<AuditRow>(OPERATE.audit, [rows, AUDIT_PAGE]),
      );
      for (const row of page.rows) {
        const own = Number(row.sequence) === rows + 1 && row.previous_hash.equals(previous);
        if (!own || !row.hash.equals(auditHash(previous, row))) return { rows, brokenAt: rows + 1 };
        rows += 1;
        previous = row.hash;
      }
      if (page.rows.length < AUDIT_PAGE) return { rows, brokenAt: rows < end ? rows + 1 : null };
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

function whyNotApproved(found: CommandColumns, actor: string): string {
  if (found.decided) return 'is decided already';
  if (!found.needs_approval) return 'needs no approval';
  if (found.approved_by !== null) return `was approved by ${found.approved_by}`;
  return found.actor === actor ? 'was proposed by the same person' : 'has expired';
}

/** As signalbox.append_audit in migrations/0005_operations.sql computes it. */
function auditHash(previous: Buffer, row: AuditRow): Buffer {
  const { sequence, at_ms: atMs, actor, action, target, reason, detail } = row;
  const fields = [sequence, atMs, actor, action, target, reason, detail];
  const text = fields.map((field) => `${[...field].length}:${field}`).join('');
  return hash('sha256', Buffer.concat([previous, Buffer.from(text)]), 'buffer');
}
