/**
 * The plan of a type: its version and steps, fixed when a transaction begins and stored with it, so that a
 * rolling deploy never changes what "step 2" of an open transaction means.
 */
export interface Step {
  /** Name: 1 to 64 of A-Z a-z 0-9 . _ ~ - ; unique in the plan. The key of the step is `<id>:<name>`. */
  readonly name: string;
  /** Name of the participant that carries the step out. */
  readonly participant: string;
  /** Longest time one call may take, in ms. */
  readonly timeoutMs: number;
  /** A step whose effect cannot be undone. */
  readonly irreversible: boolean;
}

export interface Plan {
  readonly type: string;
  readonly version: number;
  readonly steps: readonly Step[];
  /** No new attempt starts later than this after the begin, in ms. */
  readonly deadlineMs: number;
}

/** The stored form: `<version>:<step>,<step>`; with the type it names one plan. */
export function planText(plan: Plan): string {
  return `${plan.version}:${plan.steps.map((step) => step.name).join(',')}`;
}

/** The steps that a stored plan names, for a version that does not know it: good for a person's decision only. */
export function standInPlan(type: string, text: string): Plan {
  const [version = '', names = ''] = text.split(':');
  const steps = names
    .split(',')
    .map((name): Step => ({ name, participant: '', timeoutMs: 0, irreversible: false }));
  return { type, version: Number(version), steps, deadlineMs: 0 };
}

export function stepKey(transaction: string, step: string): string {
  return `${transaction}:${step}`;
}
