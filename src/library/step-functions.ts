/** The steps of a participant in this process as one participant, and what its declarations contradict. */
import type { Answer } from '../core/answer.ts';
import type { StepCall } from '../engine/ports.ts';
import type { HttpOptions, InProcessOptions, ParticipantsOptions } from './options.ts';

type StepAnswer = Exclude<Answer, { readonly outcome: 'unknown' }>;
type StepFunction = (call: StepCall) => StepAnswer | Promise<StepAnswer>;

/** As the adapter for functions takes them. */
export interface ParticipantFunctions {
  readonly execute: StepFunction;
  readonly status?: StepFunction;
  readonly reverse: StepFunction;
  readonly capabilities: NonNullable<InProcessOptions['capabilities']>;
}

export function isInProcess(options: InProcessOptions | HttpOptions): options is InProcessOptions {
  return 'steps' in options;
}

/** It has `status` when every step has: a doubt about one without could not be asked about. */
export function functionsOf({ steps, capabilities = {} }: InProcessOptions): ParticipantFunctions {
  const stepOf = ({ step }: StepCall) => {
    const functions = Object.hasOwn(steps, step) ? steps[step] : undefined;
    if (functions === undefined) throw new Error(`there is no step ${step}`);
    return functions;
  };
  const statusOf = (call: StepCall): StepAnswer | Promise<StepAnswer> => {
    const { status } = stepOf(call);
    if (status === undefined) throw new Error(`step ${call.step} has no status`);
    return status(call);
  };
  const asksAll = Object.values(steps).every(({ status }) => status !== undefined);
  return {
    execute: (call) => stepOf(call).execute(call),
    ...(asksAll ? { status: statusOf } : {}),
    reverse: (call) =>
      stepOf(call).reverse?.(call) ?? { outcome: 'refused', reason: `step ${call.step} has no reverse` },
    capabilities,
  };
}

export interface StepProblem {
  readonly field: string;
  readonly found: string;
  readonly allowed: string;
}

/** Functions that are none, steps of types that no participant has, and a fence without a status to raise it. */
export function stepProblems(
  participants: ParticipantsOptions,
  types: Readonly<Record<string, { readonly steps?: unknown }>>,
): StepProblem[] {
  const problems: StepProblem[] = [];
  for (const [name, options] of Object.entries(participants)) {
    if (!isInProcess(options)) continue;
    for (const [step, { execute, status }] of Object.entries(options.steps)) {
      const field = `participants.${name}.steps.${step}`;
      if (typeof execute !== 'function')
        problems.push({ field: `${field}.execute`, found: typeof execute, allowed: 'a function' });
      if (options.capabilities?.fence === true && status === undefined)
        problems.push({
          field: `${field}.status`,
          found: 'nothing',
          allowed: 'a function, because fence is declared: its status must refuse older tokens from then on',
        });
    }
    if (options.capabilities?.fence === true && options.capabilities.replay !== true)
      problems.push({
        field: `participants.${name}.capabilities.replay`,
        found: 'nothing',
        allowed: 'true, because fence is declared: there is no grade that fences without it',
      });
  }
  for (const [type, { steps }] of Object.entries(types))
    problems.push(...unknownSteps(`types.${type}`, steps, participants));
  return problems;
}

/** The shape of the steps themselves is checked with the configuration. */
function unknownSteps(type: string, steps: unknown, participants: ParticipantsOptions): StepProblem[] {
  if (!Array.isArray(steps)) return [];
  return steps.flatMap(({ name, participant = 'default' }, index): StepProblem[] => {
    const options = participants[participant];
    if (options === undefined || !isInProcess(options) || Object.hasOwn(options.steps, name)) return [];
    const allowed = `one of the steps of ${participant}: ${Object.keys(options.steps).join(', ')}`;
    return [{ field: `${type}.steps.${index}.name`, found: JSON.stringify(name), allowed }];
  });
}
