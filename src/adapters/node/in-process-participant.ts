/**
 * A participant made of functions in this process. A function may answer at once, which costs neither timer nor
 * promise, or with a promise, which is then bounded by the call's time-out.
 * P1 no method throws: an exception is `unknown` SB-4108.
 * P2 a promise that comes too late is heard by nobody; its rejection is swallowed.
 */
import type { Answer, CallKind } from '../../core/answer.ts';
import { classify } from '../../core/classify.ts';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import type { Grade } from '../../core/grade.ts';
import { storableText } from '../../core/storable-text.ts';
import type { Capabilities, Participant, StepCall, World } from '../../engine/ports.ts';

/** What a function may answer: the union of the contract. Other values are `unknown` SB-4104 or SB-4111. */
export type StepAnswer = Exclude<Answer, { readonly outcome: 'unknown' }>;
export type StepFunction = (call: StepCall) => StepAnswer | Promise<StepAnswer>;

/** Default retention: the dedupe window of 35 days. */
const RETENTION_SECONDS = 3_024_000;
const DETAIL_CHARACTERS_MAX = 300;

export interface InProcessFunctions {
  readonly execute: StepFunction;
  /** What became of the key. With `fence` declared it also refuses every older token from then on. */
  readonly status?: StepFunction;
  readonly reverse?: StepFunction;
  /**
   * What the functions keep to (docs/reference/participant.md): `replay`, an execute of the same key repeats the
   * recorded answer and acts once; `fence`, older tokens are refused. Nothing is assumed that is not declared.
   */
  readonly capabilities?: {
    readonly replay?: boolean;
    readonly fence?: boolean;
    readonly retentionSeconds?: number;
  };
}

export class InProcessParticipant implements Participant {
  readonly #world: World;
  readonly #functions: InProcessFunctions;
  readonly #capabilities: Capabilities;

  constructor(world: World, functions: InProcessFunctions) {
    this.#world = world;
    this.#functions = functions;
    this.#capabilities = capabilitiesOf(functions);
  }

  execute(call: StepCall): Answer | Promise<Answer> {
    return this.#call('execute', this.#functions.execute, call);
  }

  /** Without a status function nothing can be known: `unknown` SB-4205. */
  status(call: StepCall): Answer | Promise<Answer> {
    const { status } = this.#functions;
    if (status === undefined) return unknown('SB-4205', 'the participant has no status function');
    return this.#call('status', status, call);
  }

  /** Without a reverse function it refuses to reverse, which leaves the transaction to a person. */
  reverse(call: StepCall): Answer | Promise<Answer> {
    const { reverse } = this.#functions;
    if (reverse === undefined) {
      return { outcome: 'refused', reason: 'the participant has no reverse function' };
    }
    return this.#call('reverse', reverse, call);
  }

  capabilities(): Promise<Capabilities> {
    return Promise.resolve(this.#capabilities);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #call(kind: CallKind, run: StepFunction, call: StepCall): Answer | Promise<Answer> {
    if (call.signal.aborted) return unknown('SB-4101', 'given up before it was called');
    try {
      const answer = run(call);
      if (isPromise(answer)) return this.#bounded(kind, answer, call);
      return classify(kind, answer);
    } catch (error) {
      return threw(error);
    }
  }

  #bounded(kind: CallKind, answer: PromiseLike<StepAnswer>, call: StepCall): Promise<Answer> {
    const { timeoutMs, signal } = call;
    return new Promise((resolve) => {
      const settle = (result: Answer): void => {
        deadline.cancel();
        signal.removeEventListener('abort', abort);
        resolve(result);
      };
      const abort = () => settle(unknown('SB-4101', 'given up: nobody waits any more'));
      const deadline = this.#world.after(timeoutMs, () => {
        settle(unknown('SB-4101', `no answer within ${timeoutMs} ms`));
      });
      signal.addEventListener('abort', abort);
      Promise.resolve(answer)
        .then((value) => classify(kind, value))
        .then(settle, (error: unknown) => settle(threw(error)));
    });
  }
}

function capabilitiesOf({ status, reverse, capabilities = {} }: InProcessFunctions): Capabilities {
  const { replay = false, fence = false, retentionSeconds = RETENTION_SECONDS } = capabilities;
  const asks = status !== undefined;
  return {
    contract: 1,
    grade: gradeOf(replay, fence, asks),
    replay,
    fence,
    status: asks,
    reverse: reverse !== undefined,
    retentionSeconds,
  };
}

function gradeOf(replay: boolean, fence: boolean, status: boolean): Grade {
  if (replay && fence && status) return 'G3';
  if (replay) return 'G2';
  return status ? 'G1' : 'G0';
}

function isPromise(value: unknown): value is PromiseLike<StepAnswer> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

function unknown(code: ErrorCode, detail: string): Answer {
  return { outcome: 'unknown', code, detail };
}

function threw(error: unknown): Answer {
  // String() of a value that is not an Error may throw in its turn.
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `threw a ${typeof error}`;
  return unknown('SB-4108', storableText(text, DETAIL_CHARACTERS_MAX));
}
