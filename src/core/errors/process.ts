import type { ErrorEntry } from './entry.ts';

/** SB-5xxx: configuration, process, CLI. SB-6xxx: API. */
export const processErrors = {
  'SB-5001': { cause: 'The version of Node.js is too old.', remedy: 'Use Node.js 24 or newer.', status: 500 },
  'SB-5002': {
    cause: 'The configuration is not valid.',
    remedy: 'Correct the field named beside this message.',
    status: 500,
  },
  'SB-5003': {
    cause: 'The port is taken.',
    remedy: 'Stop the other process, or choose another port with PORT or --port.',
    status: 500,
  },
  'SB-5004': {
    cause: 'No participant is configured.',
    remedy: 'Set SIGNALBOX_PARTICIPANT_URL, or name participants in signalbox.config.ts.',
    status: 500,
  },
  'SB-5005': {
    cause: 'The API would listen beyond loopback without tokens.',
    remedy: 'Set SIGNALBOX_TOKENS_FILE, or listen on 127.0.0.1.',
    status: 500,
  },
  'SB-5006': {
    cause: 'An invariant of Signalbox does not hold.',
    remedy: 'This is a defect of Signalbox: report the log line with this code.',
    status: 500,
  },
  'SB-5007': {
    cause: 'No running Signalbox was found.',
    remedy: 'Start "signalbox run" or "npm start" in this folder, or set DATABASE_URL.',
    status: 503,
  },
  'SB-5008': {
    cause: 'The drain did not end within its time: what was under way is in doubt for the next owner.',
    remedy: 'Raise SIGNALBOX_DRAIN_TIMEOUT_MS if steps take longer.',
    status: 500,
  },
  'SB-5010': {
    cause: 'An irreversible step comes before one that can refuse: such a refusal will be held for a person.',
    remedy: 'Put the irreversible step last, or say canRefuse: false of steps that never refuse.',
    status: 500,
  },
  'SB-5009': {
    cause: 'The folder holds a ledger that the demo did not make, so the demo leaves it alone.',
    remedy: 'Start the demo in another folder, or name one in SIGNALBOX_DIR.',
    status: 500,
  },
  'SB-5011': {
    cause: 'The collector does not take spans: they are dropped.',
    remedy: 'Look at the detail and at telemetry.traces.otlpUrl. Transactions are not touched by it.',
    status: 503,
  },
  'SB-5012': {
    cause: 'A webhook does not take alerts: they are sent again.',
    remedy: 'Look at the detail and at the receiver; each message keeps its webhook-id.',
    status: 503,
  },
  'SB-6001': { cause: 'There is no such thing.', remedy: 'Check the id or the path.', status: 404 },
  'SB-6002': {
    cause: 'The request is not valid.',
    remedy: 'Correct the field named beside this message.',
    status: 400,
  },
  'SB-6003': {
    cause: 'A token is needed.',
    remedy: 'Send Authorization: Bearer with a token that has the role.',
    status: 401,
  },
  'SB-6004': {
    cause: 'The role of this token does not allow this.',
    remedy: 'Ask for a token with the role.',
    status: 403,
  },
  'SB-6006': {
    cause: 'The Host header names another machine than this one.',
    remedy: 'Ask for 127.0.0.1 or localhost; to be reached from elsewhere set SIGNALBOX_HOST and tokens.',
    status: 403,
  },
  'SB-6005': {
    cause: 'Something failed inside Signalbox.',
    remedy: 'Look for the request id in the log; report it.',
    status: 500,
  },
  'SB-6007': {
    cause: 'The ledger does not hold this transaction.',
    remedy: 'Check the id. A transaction that waits for less than a second is not in the ledger yet.',
    status: 404,
  },
  'SB-6008': {
    cause: 'The decision makes no sense in the state of the transaction.',
    remedy: 'Look at it again ("signalbox show"), then decide on what it is now.',
    status: 409,
  },
  'SB-6010': {
    cause: 'Somebody has dealt with this dead letter.',
    remedy:
      'Look at what was done ("signalbox dead-letters show"); a begun replay goes on under the same id only.',
    status: 409,
  },
  'SB-6011': {
    cause: 'The ledger holds a transaction with this id already.',
    remedy:
      'Compare them ("signalbox show"). Give the mended record an id of its own, or discard the dead letter.',
    status: 409,
  },
  'SB-6012': {
    cause:
      'The watermark of the partition is not below this offset, or the ledger does not know the partition.',
    remedy: 'Compare with /v1/status; a watermark never moves back.',
    status: 409,
  },
  'SB-6013': {
    cause: 'The decision cannot be approved.',
    remedy:
      'Look at it ("signalbox show"); another person than the one who proposed it has to approve it in time.',
    status: 409,
  },
  'SB-6014': {
    cause: 'The request comes from a page of another site.',
    remedy: 'Use the page of this Signalbox; a program sends its token and no Origin.',
    status: 403,
  },
  'SB-6015': {
    cause: 'Too many requests from this address.',
    remedy: 'Wait as long as Retry-After says.',
    status: 429,
  },
  'SB-6016': {
    cause: 'Too many pages are watching live.',
    remedy: 'Close some of them, or look at another worker.',
    status: 503,
  },
  'SB-6017': {
    cause: 'The OpenID provider does not answer as it must.',
    remedy: 'Look at the detail and at api.openId in the configuration; sign in with a token meanwhile.',
    status: 503,
  },
  'SB-6018': {
    cause: 'This path does not take this method.',
    remedy: 'Use one of the methods in the Allow header.',
    status: 405,
  },
  'SB-6009': {
    cause: 'The audit has been changed: its chain of hashes is broken.',
    remedy:
      'Compare with a backup from the row named beside this message; find out who may write to the database.',
    status: 409,
  },
} as const satisfies Record<string, ErrorEntry>;
