/** What an implementation of `Participant` gives to the conformance suite: itself, and a hand on its machine. */
import type { JsonObject } from '../core/answer.ts';
import type { ErrorCode } from '../core/errors/catalogue.ts';
import type { Participant } from '../engine/ports.ts';

/** A participant whose answer does not come, or is not one. */
export interface Misbehaving {
  readonly participant: Participant;
  /** Requests that reached it. */
  requests(): number;
  close(): Promise<void>;
}

export interface Misbehaviour {
  readonly what: string;
  /** The code every call must end with. */
  readonly code: ErrorCode;
  /** Requests one call makes: 0 where nothing listens, else 1. */
  readonly requests: 0 | 1;
  open(): Promise<Misbehaving>;
}

export interface ParticipantFixture {
  readonly participant: Participant;
  /** What it carries out at any location. */
  readonly type: string;
  readonly data: JsonObject;
  /** Effects at the location start, and stay under way until released. */
  hold(location: string): Promise<void>;
  release(location: string): Promise<void>;
  /** How new keys are answered from now on: `plain` carries them out. */
  answerWith(what: 'plain' | 'refused' | 'retry'): Promise<void>;
  /** How often the effect of the key has started. */
  effects(key: string): Promise<number>;
  readonly misbehaviours: readonly Misbehaviour[];
  close(): Promise<void>;
}
