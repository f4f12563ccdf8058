/**
 * The types and limits of a configuration, as the engine asks for them.
 * T1 The same type and version always give the same plan object's content: it is built once, at start.
 * T2 Without types any type is known; a stored plan that this configuration cannot make is null, and the
 *    transaction is held (SB-4202).
 */
import { type Display, PLAIN_DISPLAY } from '../core/display.ts';
import { matches } from '../core/pattern.ts';
import { type Plan, planText, type Step } from '../core/plan.ts';
import type { Types } from '../engine/options.ts';
import type { Config, TypeVersionConfig } from './config.ts';

/** A transaction may start new attempts this long after its begin, in ms, unless its type says otherwise. */
export const DEFAULT_DEADLINE_MS = 15 * 60 * 1000;

export function configuredTypes(
  config: Pick<Config, 'types' | 'limits' | 'concurrency' | 'stepTimeoutMs'>,
): Types {
  const { types } = config;
  const concurrencyOf = limitOf(config);
  if (types === null) return { ...anyType(config.stepTimeoutMs), concurrencyOf };
  const current = new Map<string, Plan>();
  const stored = new Map<string, Plan>();
  for (const [type, configured] of Object.entries(types)) {
    for (const version of [...configured.earlier, configured]) {
      const plan = planOf(type, version);
      stored.set(`${type} ${planText(plan)}`, plan);
      current.set(type, plan);
    }
  }
  return {
    planOf: (type) => current.get(type) ?? null,
    storedPlan: (type, text) => stored.get(`${type} ${text}`) ?? null,
    concurrencyOf,
  };
}

/** How the data of a type is shown to people. */
export function configuredDisplay({ types }: Pick<Config, 'types'>): (type: string) => Display {
  return (type) => types?.[type]?.display ?? PLAIN_DISPLAY;
}

function anyType(stepTimeoutMs: number): Omit<Types, 'concurrencyOf'> {
  const apply: Step = {
    name: 'apply',
    participant: 'default',
    timeoutMs: stepTimeoutMs,
    irreversible: false,
  };
  const steps = [apply];
  const make = (type: string): Plan => ({ type, version: 1, steps, deadlineMs: DEFAULT_DEADLINE_MS });
  const text = planText(make('any'));
  return {
    planOf: make,
    storedPlan: (type, stored) => (stored === text ? make(type) : null),
  };
}

function planOf(type: string, { version, steps, deadlineMs }: TypeVersionConfig): Plan {
  return { type, version, steps, deadlineMs };
}

function limitOf({
  limits,
  concurrency,
}: Pick<Config, 'limits' | 'concurrency'>): (location: string) => number {
  if (limits.length === 0) return () => concurrency;
  return (location) => limits.find(({ pattern }) => matches(pattern, location))?.concurrency ?? concurrency;
}
