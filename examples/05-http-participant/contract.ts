/** What goes between the wire, the rules and the machine. */

type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly outcome: string;
  readonly evidence?: Json;
  readonly reason?: string;
  readonly mark?: string;
}

export interface Work {
  readonly key: string;
  readonly step: string;
  readonly location: string;
  readonly data: Json;
}

export interface Ask extends Work {
  readonly kind: string;
  readonly slot: number;
  readonly token: bigint;
  readonly notAfterMs: number;
}

/** What acts. Called again with the same key after a restart: it must not act twice, and says the same again. */
export type Machine = Readonly<Record<'execute' | 'reverse', (work: Work) => Promise<Answer>>>;
