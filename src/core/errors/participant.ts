import type { ErrorEntry } from './entry.ts';

/** SB-4xxx: participants, doubt and held transactions. */
export const participantErrors = {
  'SB-4101': {
    cause: 'The participant did not answer within the deadline of the step.',
    remedy: 'Nothing: its status is asked until it answers.',
    status: 504,
  },
  'SB-4102': {
    cause: 'The connection to the participant failed or was reset.',
    remedy: 'Nothing if it comes back; else check the endpoint.',
    status: 502,
  },
  'SB-4103': {
    cause: 'The participant answered with a status other than 200.',
    remedy: 'Look at the detail; its status is asked until it answers.',
    status: 502,
  },
  'SB-4104': {
    cause: 'The answer of the participant is not one of the contract.',
    remedy: 'Mend the participant; "signalbox conformance" shows the exchange.',
    status: 502,
  },
  'SB-4105': {
    cause: 'The answer of the participant is larger than 64 KiB.',
    remedy: 'Mend the participant: evidence is a receipt, not a document.',
    status: 502,
  },
  'SB-4106': {
    cause: 'The worker that executed the step lost the partition before the outcome was recorded.',
    remedy: 'Nothing: the new owner asks the status.',
    status: 409,
  },
  'SB-4107': {
    cause: 'The participant holds a higher mark than the token sent.',
    remedy:
      'Nothing: it is asked again under a token above the mark. If it repeats, two systems drive the location.',
    status: 409,
  },
  'SB-4108': {
    cause: 'The participant threw an exception.',
    remedy: 'Look at the detail; its status is asked until it answers.',
    status: 500,
  },
  'SB-4109': {
    cause: 'The participant is still carrying the step out.',
    remedy: 'Nothing: it is asked again.',
    status: 409,
  },
  'SB-4110': {
    cause: 'The participant asked for a retry.',
    remedy:
      'Nothing: it is tried again; past the deadline its status is asked, then the transaction is rolled back.',
    status: 409,
  },
  'SB-4111': {
    cause: 'The answer does not fit the call.',
    remedy: 'Mend the participant; "signalbox conformance" shows the exchange.',
    status: 502,
  },
  'SB-4112': {
    cause: 'The participant has not started the step, but an attempt may still arrive there.',
    remedy: 'Nothing: it is asked again until no attempt can start any more.',
    status: 409,
  },
  'SB-4201': {
    cause:
      'Three workers in a row lost the partition while they executed this step: it may be the step that kills them.',
    remedy: 'Look at the location, then decide: complete, roll back or retry.',
    status: 409,
  },
  'SB-4202': {
    cause: 'This worker does not know the plan the transaction was begun with.',
    remedy: 'Deploy a version that knows it, or decide by hand.',
    status: 409,
  },
  'SB-4203': {
    cause: 'The step is done, and its reversal was refused or is not possible.',
    remedy: 'Look at the location, then decide; a roll back now says that it was undone by hand.',
    status: 409,
  },
  'SB-4204': {
    cause: 'A step was refused after an irreversible step had been done.',
    remedy: 'Look at the location, then decide.',
    status: 409,
  },
  'SB-4205': {
    cause: 'The grade of the participant does not allow to resolve the doubt automatically.',
    remedy: 'Look at the location, then decide.',
    status: 409,
  },
  'SB-4206': {
    cause: 'A step has not started although an earlier step that cannot be undone is done.',
    remedy:
      'Nothing before the deadline: it is tried again. Held past it: look at the location, then decide.',
    status: 409,
  },
} as const satisfies Record<string, ErrorEntry>;
