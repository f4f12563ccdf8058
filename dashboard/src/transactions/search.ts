/** The search of transactions as one writes it: `location:ATM-1 state:held,in_doubt code:SB-4101`, or an id. Pure. */
import type { State } from '../api/types.ts';

const STATES = ['received', 'executing', 'in_doubt', 'reversing', 'held', 'completed', 'rolled_back'];
const FIELDS = /^(location|type|code|from|to|state):(.*)$/;

export interface TransactionSearch {
  readonly states: readonly State[];
  readonly location?: string;
  readonly type?: string;
  readonly code?: string;
  readonly from?: string;
  readonly to?: string;
}

export function searchOf(text: string): TransactionSearch {
  const found: Record<string, string> = {};
  let states: State[] = [];
  for (const word of text.split(/\s+/)) {
    const [, field = '', value = ''] = FIELDS.exec(word) ?? [];
    if (field === 'state') states = value.split(',').filter((each) => STATES.includes(each)) as State[];
    else if (field === 'from' || field === 'to') {
      const ms = Date.parse(value);
      if (!Number.isNaN(ms)) found[field] = new Date(ms).toISOString();
    } else if (field === 'code' && /^SB-\d{4}$/i.test(value)) found.code = value.toUpperCase();
    else if ((field === 'location' || field === 'type') && /^[A-Za-z0-9._~-]+$/.test(value))
      found[field] = value;
  }
  return { states, ...found };
}

/** A word that is no field is an id: null when there is none, or something else is searched as well. */
export function idIn(text: string): string | null {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const [word] = words;
  if (words.length !== 1 || word === undefined || FIELDS.test(word)) return null;
  return /^[A-Za-z0-9._~-]{1,128}$/.test(word) ? word : null;
}

/** The text with a field set; empty takes it out. */
export function withField(text: string, field: string, value: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '' && !word.startsWith(`${field}:`));
  return [...words, ...(value === '' ? [] : [`${field}:${value}`])].join(' ');
}
