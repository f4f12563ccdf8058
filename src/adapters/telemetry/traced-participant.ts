/** A participant whose calls are spans: the participant gets the traceparent of the call, so that its own spans hang on it. */
import type { Answer, CallKind } from '../../core/answer.ts';
import type { Participant, StepCall } from '../../engine/ports.ts';
import { newSpanId, traceparentOf, transactionSpan } from './trace-context.ts';
import type { Traces } from './traces.ts';

export function tracedParticipant(participant: Participant, traces: Traces): Participant {
  const call = (kind: CallKind, plain: StepCall): Answer | Promise<Answer> => {
    const transaction = transactionSpan(plain.traceparent, plain.transaction);
    if (transaction === null) return participant[kind](plain);
    const spanId = newSpanId();
    const startMs = traces.nowMs();
    const ended = (answer: Answer): Answer => {
      traces.child(
        { ...transaction, id: plain.transaction },
        {
          name: kind,
          kind: 'client',
          spanId,
          startMs,
          endMs: traces.nowMs(),
          attributes: {
            'signalbox.location': plain.location,
            'signalbox.step': plain.step,
            'signalbox.slot': plain.slot,
            'signalbox.token': plain.token,
            'signalbox.answer': answer.outcome,
          },
          error: answer.outcome === 'unknown' ? answer.code : null,
        },
      );
      return answer;
    };
    const answer = participant[kind]({ ...plain, traceparent: traceparentOf(transaction.traceId, spanId) });
    return answer instanceof Promise ? answer.then(ended) : ended(answer);
  };
  return {
    execute: (plain) => call('execute', plain),
    status: (plain) => call('status', plain),
    reverse: (plain) => call('reverse', plain),
    capabilities: (location) => participant.capabilities(location),
    close: () => participant.close(),
  };
}
