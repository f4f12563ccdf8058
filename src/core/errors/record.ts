import type { ErrorEntry } from './entry.ts';

/** SB-1xxx: records that cannot become a transaction; each is kept as a dead letter. */
export const recordErrors = {
  'SB-1101': {
    cause: 'The record has no key, or its key is empty.',
    remedy: 'Produce each transaction with its location as the record key.',
    status: 422,
  },
  'SB-1102': {
    cause: 'The record key is not a location: 1 to 128 of A-Z a-z 0-9 . _ ~ -',
    remedy: 'Produce with a key of these characters.',
    status: 422,
  },
  'SB-1103': {
    cause: 'The record has no value.',
    remedy: 'Produce a JSON object as value; a tombstone is not a transaction.',
    status: 422,
  },
  'SB-1104': {
    cause: 'The location in the value is not the location in the record key.',
    remedy: 'Leave location out of the value, or give the same as in the key.',
    status: 422,
  },
  'SB-1105': { cause: 'The value is not valid UTF-8.', remedy: 'Produce the value as UTF-8.', status: 422 },
  'SB-1106': {
    cause: 'The value is not a JSON object.',
    remedy: 'Produce one JSON object a record.',
    status: 422,
  },
  'SB-1107': {
    cause: 'The value is larger than 256 KiB.',
    remedy: 'Send a reference to the large part in data.',
    status: 413,
  },
  'SB-1108': {
    cause: 'A text in the value holds U+0000 or a lone surrogate.',
    remedy: 'Clean the text at the producer.',
    status: 422,
  },
  'SB-1109': {
    cause: 'A number in the value does not fit a double.',
    remedy: 'Send large numbers as text.',
    status: 422,
  },
  'SB-1110': {
    cause: 'The id is missing or ill-formed: 1 to 128 of A-Z a-z 0-9 . _ ~ -',
    remedy: 'Give each transaction an id of these characters.',
    status: 422,
  },
  'SB-1111': {
    cause: 'The type is missing or ill-formed: 1 to 64 of A-Z a-z 0-9 . _ ~ -',
    remedy: 'Name the type of the transaction.',
    status: 422,
  },
  'SB-1112': {
    cause: 'data is not a JSON object.',
    remedy: 'Send an object as data, or leave it out.',
    status: 422,
  },
  'SB-1113': {
    cause: 'expiresAt is not an RFC 3339 time with offset.',
    remedy: 'Send a time such as 2026-11-25T10:00:00Z, or leave it out.',
    status: 422,
  },
  'SB-1114': {
    cause: 'The type is not configured.',
    remedy: 'Add the type to signalbox.config.ts, or correct the producer.',
    status: 422,
  },
  'SB-1115': {
    cause: 'The record is older than the dedupe window, so a duplicate could not be recognised.',
    remedy: 'Check whether it took effect, then send it again under a new id.',
    status: 422,
  },
  'SB-1116': {
    cause: 'The id was used before with other content or at another location.',
    remedy: 'Find out which of the two was meant; send the other again under a new id.',
    status: 409,
  },
  'SB-1117': {
    cause:
      'The headers claim a CloudEvent that is not one: specversion 1.0, id, type and source are required.',
    remedy: 'Send a valid CloudEvent, or no ce_ headers.',
    status: 422,
  },
  'SB-1118': {
    cause: 'The record is in a partition of another server of the ledger than its location.',
    remedy: 'Place records as the Java client does (murmur2 of the key) in each producer, then replay it.',
    status: 409,
  },
} as const satisfies Record<string, ErrorEntry>;
