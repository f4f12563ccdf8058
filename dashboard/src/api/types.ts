/** What the API answers, from its own schemas: the page cannot expect anything else. Types only, no code of the server. */
import type { z } from 'zod';
import type {
  attentionAnswer,
  deadLettersAnswer,
  wholeLetterSchema,
} from '../../../src/api/routes-attention.ts';
import type { partitionsAnswer, seriesAnswer } from '../../../src/api/routes-fleet.ts';
import type { labAnswer } from '../../../src/api/routes-lab.ts';
import type {
  linesAnswer,
  locationAnswer,
  locationsAnswer,
  recentAnswer,
  whySchema,
} from '../../../src/api/routes-locations.ts';
import type { auditAnswer, commandsAnswer, limitsAnswer } from '../../../src/api/routes-people.ts';
import type { errorsAnswer, statusSchema } from '../../../src/api/routes-process.ts';
import type { meSchema } from '../../../src/api/routes-session.ts';
import type { decidedSchema, transactionsAnswer } from '../../../src/api/routes-transactions.ts';
import type {
  actSchema,
  attentionSchema,
  eventSchema,
  itemSchema,
  locationSchema,
  spanSchema,
  transactionSchema,
} from '../../../src/api/views.ts';

export type Status = z.output<typeof statusSchema>;
export type Worker = Status['workers'][number];
export type Partition = Status['partitions'][number];
export type Series = z.output<typeof seriesAnswer>;
export type FleetEvent = z.output<typeof eventSchema>;
export type Partitions = z.output<typeof partitionsAnswer>;
export type Lines = z.output<typeof linesAnswer>;
export type Line = Lines['lines'][number];
export type Block = NonNullable<Line['blocks']>[number];
export type BlockState = Block['state'];
export type Locations = z.output<typeof locationsAnswer>;
export type LocationRow = z.output<typeof locationSchema>;
export type LocationPage = z.output<typeof locationAnswer>;
export type Recent = z.output<typeof recentAnswer>;
export type RecentOf = Recent['locations'][number];
export type Why = z.output<typeof whySchema>;
export type Item = z.output<typeof itemSchema>;
export type Span = z.output<typeof spanSchema>;
export type Transitions = Span['history'];
export type State = Item['state'];
export type Money = NonNullable<Item['money']>;
export type Transactions = z.output<typeof transactionsAnswer>;
export type Transaction = z.output<typeof transactionSchema>;
export type Act = z.output<typeof actSchema>;
export type Attention = z.output<typeof attentionAnswer>;
export type AttentionRow = z.output<typeof attentionSchema>;
export type DeadLetters = z.output<typeof deadLettersAnswer>;
export type DeadLetter = DeadLetters['deadLetters'][number];
export type WholeDeadLetter = z.output<typeof wholeLetterSchema>;
export type Limits = z.output<typeof limitsAnswer>;
export type Commands = z.output<typeof commandsAnswer>;
export type Audit = z.output<typeof auditAnswer>;
export type Lab = z.output<typeof labAnswer>;
export type Errors = z.output<typeof errorsAnswer>;
export type Me = z.output<typeof meSchema>;
export type Decided = z.output<typeof decidedSchema>;

/** What the demo adds to the status. */
export interface Proof {
  readonly overlaps: number | null;
  readonly doubled: number | null;
  readonly lost: number | null;
  readonly checkedRecords: number;
  readonly checkedEffects: number;
}
