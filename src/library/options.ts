/**
 * What an embedded Signalbox is made from, and what it says. The types know the participants: a step that none of them
 * has is an error of the compiler, and again SB-5002 at run time.
 */
import type { Answer, JsonObject } from '../core/answer.ts';
import type { SignalboxError } from '../core/errors/catalogue.ts';
import type { Grade } from '../core/grade.ts';
import type { FinalState } from '../core/states.ts';
import type { StepCall } from '../engine/ports.ts';

// ------------------------------------------------------------------------------------------ participants

type Answers<Outcome extends Answer['outcome']> = Extract<Answer, { readonly outcome: Outcome }>;

export type ExecuteAnswer = Answers<'done' | 'refused' | 'retry' | 'pending' | 'reversed' | 'stale'>;
export type StatusAnswer = Answers<'done' | 'refused' | 'reversed' | 'pending' | 'never' | 'stale'>;
export type ReverseAnswer = Answers<'reversed' | 'refused' | 'pending' | 'stale'>;

/** One step as functions of this process. What one throws leaves the step in doubt: it is asked about, never guessed. */
export interface StepFunctions {
  /** Carries the step out. `call.key` is the same for every attempt of the step, `call.token` grows with each. */
  readonly execute: (call: StepCall) => ExecuteAnswer | Promise<ExecuteAnswer>;
  /** What became of the key. Without it a doubt is settled by the same key again (`replay`), or by a person. */
  readonly status?: (call: StepCall) => StatusAnswer | Promise<StatusAnswer>;
  /** Takes the step back; asked again until it answers. Without it a rollback past this step is held for a person. */
  readonly reverse?: (call: StepCall) => ReverseAnswer | Promise<ReverseAnswer>;
}

/**
 * A participant in this process. It dies with the process in the middle of a step, so what it must remember it must write
 * down: nothing is assumed that `capabilities` does not declare.
 *
 * | grade | declare | and keep to it |
 * |---|---|---|
 * | G0 | nothing | one attempt; a doubt is held for a person |
 * | G1 | `status` of every step | it says what became of a key; a doubt waits out the time in which an attempt could still start |
 * | G2 | `replay` | the key is recorded in the same database transaction as the effect; the same key again repeats the answer |
 * | G3 | `replay`, `fence`, `status` of every step | and the highest token of each (location, slot) in that transaction too: a lower one answers `stale` and does nothing, `status` raises it |
 *
 * The rules in full: docs/reference/participant.md.
 */
export interface InProcessOptions {
  /** By name of the step. */
  readonly steps: Readonly<Record<string, StepFunctions>>;
  readonly capabilities?: {
    readonly replay?: boolean;
    readonly fence?: boolean;
    /** How long keys are remembered; 35 days by default, the dedupe window. */
    readonly retentionSeconds?: number;
  };
}

/** A participant behind HTTP, as in the configuration file. */
export interface HttpOptions {
  /** May hold `{location}`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it does not say itself. */
  readonly grade?: Grade;
}

export type ParticipantsOptions = Readonly<Record<string, InProcessOptions | HttpOptions>>;

// ------------------------------------------------------------------------------------------ types

type StepNameAt<Participant> = Participant extends { readonly steps: infer Steps }
  ? keyof Steps & string
  : string;

interface StepOptions<Name extends string> {
  readonly name: Name;
  /** Longest time one call may take, in ms; `stepTimeoutMs` by default. */
  readonly timeoutMs?: number;
  /** Its effect cannot be undone. */
  readonly irreversible?: boolean;
  /** False: its participant promises never to refuse it. */
  readonly canRefuse?: boolean;
}

/** Where their names are not known (yet), any of them. */
type ParticipantField<Name extends string> = string extends Name
  ? { readonly participant?: string }
  : Name extends 'default'
    ? { readonly participant?: Name }
    : { readonly participant: Name };

/** A step of one of the participants; without `participant` it is the one named `default`. */
export type StepOf<Participants> = {
  [Name in keyof Participants & string]: StepOptions<StepNameAt<Participants[Name]>> & ParticipantField<Name>;
}[keyof Participants & string];

export interface VersionOptions<Participants> {
  /** 1 by default. A change of the steps needs another. */
  readonly version?: number;
  /** No attempt starts later than this after the begin, in ms; 15 minutes by default. */
  readonly deadlineMs?: number;
  readonly steps: readonly StepOf<Participants>[];
}

export interface TypeOptions<Participants> extends VersionOptions<Participants> {
  /** Plans that transactions may still be open under. */
  readonly earlier?: readonly VersionOptions<Participants>[];
}

/** By name of the type. The participants are not inferred from it, so that a wrong step is told here. */
export type TypesOptions<Participants, Type extends string> = Readonly<
  Record<Type, TypeOptions<NoInfer<Participants>>>
>;

// ------------------------------------------------------------------------------------------ what it says

export interface Submission<Type extends string = string> {
  /** 1 to 128 of A-Z a-z 0-9 . _ ~ - ; the same id again is the same transaction. */
  readonly id: string;
  readonly type: Type;
  /** Of the same characters. */
  readonly location: string;
  readonly data?: JsonObject;
  /** RFC 3339: not begun by then, it is rolled back. */
  readonly expiresAt?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
}

export interface Submitted {
  readonly id: string;
  readonly location: string;
}

/** What happened in this process; for the whole fleet read the ledger (`transaction`, `why`). */
export type SignalboxEvent =
  | {
      readonly type: 'finished';
      readonly id: string;
      readonly location: string;
      readonly state: FinalState;
      /** Since its begin. */
      readonly ms: number;
    }
  | {
      readonly type: 'called';
      readonly call: 'execute' | 'status' | 'reverse';
      readonly outcome: string;
      readonly location: string;
      readonly ms: number;
    }
  | {
      readonly type: 'dead-letter';
      readonly partition: number;
      readonly offset: number;
      readonly code: string;
    }
  | {
      readonly type: 'hand-over';
      readonly partition: number;
      readonly what: 'taken-over' | 'drained' | 'lost' | 'fenced' | 'refused';
    }
  | {
      readonly type: 'problem';
      readonly error: SignalboxError;
      readonly partition?: number;
      readonly location?: string;
      readonly id?: string;
    };

export interface SignalboxHealth {
  /** The ledger answers, the group is joined, every assigned partition is taken over. */
  readonly ready: boolean;
  /** Why not, in the order a person should look at them. */
  readonly problems: readonly SignalboxError[];
  /** Of this process. */
  readonly partitions: readonly number[];
  /** Records in the memory of this process. */
  readonly waiting: number;
  readonly parked: number;
  /** Locations with something waiting, parked or under way. */
  readonly lanes: number;
  /** Records behind, by partition. */
  readonly lag: Readonly<Record<number, number>>;
}
