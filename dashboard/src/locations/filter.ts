/**
 * The filter of locations as one writes it: `state:held,paused waiting:>0 partition:7 from:ATM-1 to:ATM-2`, and any other
 * word is part of the name. Pure.
 */

export interface LocationParameters {
  readonly states?: string;
  readonly waiting?: string;
  readonly partition?: string;
  readonly from?: string;
  readonly to?: string;
  readonly q?: string;
}

const STATES = ['held', 'in_doubt', 'paused', 'reversing', 'executing', 'clear'];

export function parametersOf(text: string): LocationParameters {
  const found: Record<string, string> = {};
  for (const word of text.split(/\s+/)) {
    const [, field = '', value = ''] = /^(state|waiting|partition|from|to):(.*)$/.exec(word) ?? [];
    if (field === 'state') {
      const states = value
        .replaceAll('in-doubt', 'in_doubt')
        .split(',')
        .filter((each) => STATES.includes(each));
      if (states.length > 0) found.states = states.join(',');
    } else if (field === 'waiting') found.waiting = String(!/^0$|^=0$/.test(value));
    else if (field === 'partition' && /^\d+$/.test(value)) found.partition = value;
    else if ((field === 'from' || field === 'to') && value !== '') found[field] = value;
    else if (field === '' && word !== '') found.q = word;
  }
  return found;
}

/** The text with a state in or out of it. */
export function withState(text: string, state: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const at = words.findIndex((word) => word.startsWith('state:'));
  const states = at < 0 ? [] : (words[at]?.slice(6).split(',') ?? []);
  const next = states.includes(state) ? states.filter((each) => each !== state) : [...states, state];
  const others = words.filter((_, index) => index !== at);
  return [...(next.length === 0 ? [] : [`state:${next.join(',')}`]), ...others].join(' ');
}

export function hasState(text: string, state: string): boolean {
  return parametersOf(text).states?.split(',').includes(state) ?? false;
}

export function withWaiting(text: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const others = words.filter((word) => !word.startsWith('waiting:'));
  return (others.length < words.length ? others : [...words, 'waiting:>0']).join(' ');
}

export function toggled<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}
