/**
 * Planted defects: each is one change of a source file, made when the file is loaded, and must be caught by the
 * simulator. What the text is replaced by is wrong in a way that somebody could write.
 *
 * M0 Worlds are drawn for all mutants alike, but for those that need what meets seldom: `world` has more of it.
 * M1 `find` stands in its file exactly once: a mutant of code that has moved on is an error, not a pass.
 */
import type { Faults } from '../../src/sim/faults.ts';
import type { ScenarioOptions } from '../../src/sim/scenario.ts';

export interface Mutant {
  readonly name: string;
  /** Below src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly world?: Partial<Omit<ScenarioOptions, 'faults'>> & { readonly faults?: Partial<Faults> };
}

export const MUTANTS: readonly Mutant[] = [
  // ------------------------------------------------------------------------------------------ offsets and watermark
  {
    name: 'the watermark passes open records',
    file: 'core/watermark.ts',
    find: 'if (this.#lowest === this.#next) return this.#position;',
    replace: 'if (this.#position !== null) return this.#position;',
  },
  {
    name: 'a record is accounted when it is taken, not when it has begun',
    file: 'engine/partition.ts',
    find: '    this.#highestTaken = Math.max(this.#highestTaken, record.offset);\n    this.leaves(record);',
    replace:
      '    this.#highestTaken = Math.max(this.#highestTaken, record.offset);\n    this.account(record);\n    this.account = () => undefined;\n    this.leaves(record);',
  },
  {
    name: 'a dead letter is counted and not written',
    file: 'engine/begin-record.ts',
    find: '  await partition.committer.submit(partition.state, [entry]);\n  if (partition.state.alive) reportDeadLetter(partition, entry);',
    replace: '  await Promise.resolve();\n  if (partition.state.alive) reportDeadLetter(partition, entry);',
  },
  {
    name: 'a bad record that waits in a lane is skipped',
    file: 'engine/begin-record.ts',
    find: "  if (!decoded.ok) return { what: 'refusal', record, entry: deadLetter(partition, record, decoded) };\n  const plan = types",
    replace:
      "  if (!decoded.ok) return { what: 'refusal', record, entry: { ...deadLetter(partition, record, decoded), offset: 0 } };\n  const plan = types",
  },
  // ------------------------------------------------------------------------------------------ lanes
  {
    name: 'one slot too many at a location',
    file: 'sim/scenario.ts',
    find: '    concurrencyOf: () => options.concurrency,',
    replace: '    concurrencyOf: () => options.concurrency + 1,',
  },
  {
    name: 'the newest waiting record of a lane begins first',
    file: 'core/lanes.ts',
    find: '    lane.line.append(item);',
    replace: '    lane.line.prepend(item);',
  },
  {
    name: 'a lane forgets what is parked',
    file: 'core/lanes.ts',
    find: 'if (lane.waiting === 0 && lane.parked === 0 && lane.holding === 0) this.#drop(lane);',
    replace: 'if (lane.waiting === 0 && lane.holding === 0) this.#drop(lane);',
  },
  {
    name: 'parked rows found at a take-over are forgotten',
    file: 'engine/partition.ts',
    find: '    for (const { location, count } of parked) this.lanes.foundParked(location, count);',
    replace: '    void parked;',
  },
  {
    name: 'holders found at a take-over do not hold their slots',
    file: 'engine/partition.ts',
    find: '      this.work(() => adoptHolder({ partition: this, lane, number: row.slot }, row));',
    replace:
      "      if (row.state !== 'in_doubt') this.work(() => adoptHolder({ partition: this, lane, number: row.slot }, row));\n      else this.lanes.release(lane, row.slot);",
  },
  {
    name: 'a page of parked rows skips one',
    file: 'engine/parking.ts',
    find: '      const items = rows.map((row): ParkedRecord => ({ offset: row.offset, parked: row }));',
    replace:
      '      const items = rows.slice(rows.length > 1 ? 1 : 0).map((row): ParkedRecord => ({ offset: row.offset, parked: row }));',
  },
  {
    name: 'parked rows begin after what waits in memory',
    file: 'core/lanes.ts',
    find: '    const parked = lane.paged > 0;\n    const item',
    replace: '    const parked = lane.paged > 0 && lane.waiting === 0;\n    const item',
  },
  // ------------------------------------------------------------------------------------------ begin and execute
  {
    name: 'the participant is called before the intent is durable',
    file: 'engine/run-slot.ts',
    find: '  const [fate] = await commit(slot, [opening.entry]);\n  if (fate',
    replace:
      "  if (opening.what === 'begin') {\n    const { plan, data, entry } = opening;\n    const early = { id: entry.id, type: entry.type, plan, planKnown: true, data, state: 'executing', step: 0, token: '1', evidence: {}, reason: null, byPerson: false, notAfterMs: 0, traceparent: null, beganAtMs: 0, asked: 0, waitMs: 0 } as Holder;\n    await callStep(slot, early, 'execute');\n  }\n  const [fate] = await commit(slot, [opening.entry]);\n  if (fate",
  },
  {
    name: 'a known id is executed again',
    file: 'sim/ledger-store.ts',
    find: "    const known = this.rows.get(begin.id);\n    if (known !== undefined) {\n      const { topic, partition, offset, location, state, payload } = known;\n      return { status: 'exists', row: { topic, partition, offset, location, state, payload } };\n    }\n    if (begin.expiresAtMs",
    replace: '    if (begin.expiresAtMs',
  },
  {
    name: 'a conflict is dropped as a duplicate',
    file: 'engine/begin-record.ts',
    find: '  if (sameContent(begin.payload, begin.location, row.payload, row.location)) {',
    replace: '  if (begin.location === row.location) {',
  },
  {
    name: 'every attempt has a key of its own',
    file: 'engine/step-call.ts',
    find: '    key: stepKey(holder.id, name),',
    replace: '    key: stepKey(holder.id, `${name}.${holder.token}`),',
  },
  {
    name: 'a fresh key after doubt',
    file: 'engine/step-call.ts',
    find: '    key: stepKey(holder.id, name),',
    replace:
      "    key: stepKey(holder.id, holder.asked > 0 && holder.state === 'executing' ? `${name}.2` : name),",
  },
  // ------------------------------------------------------------------------------------------ decisions
  {
    name: 'no answer is taken for a roll back',
    file: 'core/decide.ts',
    find: "      return { ...decision('unknown', 'in_doubt', step), newToken: true, code: answer.code };\n    case 'never':",
    replace: "      return backward(at, 'refused', 'no answer');\n    case 'never':",
  },
  {
    name: 'pending is taken for done',
    file: 'core/decide.ts',
    find: "      return { ...decision('unknown', 'in_doubt', step), newToken: true, code: 'SB-4109', askAgain: true };\n    case 'stale':",
    replace: "      return forward(at);\n    case 'stale':",
  },
  {
    name: 'retry past the deadline rolls back at once',
    file: 'core/decide.ts',
    find: "  if (grade === 'G3') return { ...decision('retry', 'executing', step), lateTo: 'in_doubt', ...again };",
    replace:
      "  if (grade === 'G3') return { ...decision('unknown', 'in_doubt', step), ...again, event: 'refused', to: 'rolled_back', askAgain: false };",
  },
  {
    name: 'never is taken for done',
    file: 'core/decide.ts',
    find: "      if (grade === 'G3') return at.byPerson ? backward(at, 'never', null) : onceMore(at);",
    replace: "      if (grade === 'G3') return { ...forward(at), evidence: null } as Decision;",
  },
  {
    name: 'a refusal leaves the steps before it done',
    file: 'core/decide.ts',
    find: '  const next = earlier.findLastIndex(({ irreversible }) => !irreversible);',
    replace: '  const next = -1;',
  },
  {
    name: 'reversal stops after one step',
    file: 'core/decide.ts',
    find: "    case 'reversed':\n      return backward(at, 'reversed', null);\n    case 'refused':\n      return { ...stands",
    replace:
      "    case 'reversed':\n      return { ...decision('reversed', 'rolled_back', 0), reason: null };\n    case 'refused':\n      return { ...stands",
  },
  {
    name: 'a reversal without an answer is taken for done',
    file: 'core/decide.ts',
    find: '      return reverseAgain(step, answer.code, grade);',
    replace: "      return backward(at, 'reversed', null);",
  },
  {
    name: 'a step is skipped',
    file: 'core/decide.ts',
    find: '  if (step + 1 === plan.steps.length) return decision(event,',
    replace: '  if (step + 2 >= plan.steps.length) return decision(event,',
  },
  {
    name: 'a person rolls back without a fence',
    file: 'core/decide.ts',
    find: "  const fenced = grade === 'G3' && state !== 'reversing';\n",
    replace: "  if (state !== 'reversing') return backward(at, 'decide', null);\n  const fenced = false;\n",
  },
  {
    name: 'a decision is applied whatever it was decided on',
    file: 'engine/carry-out.ts',
    find: "  if (action === 'cancel' || expectedState !== holder.state || expectedToken !== holder.token) {",
    replace: "  void [expectedState, expectedToken];\n  if (action === 'cancel') {",
  },
  {
    name: 'what is cancelled begins all the same',
    file: 'sim/ledger-store.ts',
    find: "    if (row === undefined || !here || row.state !== 'received') {",
    replace:
      "    if (row === undefined || !here || (row.state !== 'received' && row.reason !== 'cancelled')) {",
    world: { people: { stuckPerSecond: 1, limitsPerSecond: 0.5, commandsPerSecond: 5 } },
  },
  // ------------------------------------------------------------------------------------------ defects that were found
  {
    name: 'a refused reversal counts as undone by who decided before',
    file: 'core/decide.ts',
    find: "    case 'refused':\n      return { ...stands(step), reason: answer.reason };",
    replace:
      "    case 'refused':\n      if (at.byPerson) return backward(at, 'reversed', null);\n      return { ...stands(step), reason: answer.reason };",
  },
  {
    name: 'evidence that is left out is not left out of the result',
    file: 'engine/commit-change.ts',
    find: '    evidence: change.evidence ?? holder.evidenceText,\n    traceparent',
    replace:
      '    evidence: change.evidence ?? (Object.keys(holder.evidence).length === 0 ? null : JSON.stringify(holder.evidence)),\n    traceparent',
    world: { steps: 2, faults: { unstorable: 0.3, refuse: 0.5, publishLost: 0.5 } },
  },
  {
    name: 'rows read after a lost answer count, whoever wrote them',
    file: 'engine/committer.ts',
    find: '    const still = await this.#untilAnswered(() => ledger.raise(raised));',
    replace: '    const still = raised;',
  },
  {
    name: 'a lost head counts as landed where its watermark did not grow',
    file: 'engine/committer.ts',
    find: '      const landed = now.published >= (head.published ?? 0) && (',
    replace: '      const landed = (',
  },
  {
    name: 'one parked row is cancelled twice at once',
    file: 'engine/command-desk.ts',
    find: '    if (this.#parking.isCancelling(command.id)) return;',
    replace: '',
    world: {
      people: { stuckPerSecond: 1, limitsPerSecond: 0, commandsPerSecond: 10 },
      faults: { commitLost: 0.3 },
    },
  },
  {
    name: 'who takes a partition over while limits are read does not hear of them',
    file: 'engine/desk.ts',
    find: '    if (await this.#readLimits()) for (const partition of runningNow()) partition.pumpAll();',
    replace:
      '    const before = runningNow();\n    if (await this.#readLimits()) for (const partition of before) partition.pumpAll();',
    world: {
      people: { stuckPerSecond: 0, limitsPerSecond: 3, commandsPerSecond: 0 },
      faults: { rebalancesPerSecond: 0.5, ledgerSlow: 0.1 },
    },
  },
  {
    name: 'more rows than were parked stop their worker',
    file: 'engine/parking.ts',
    find: '    if (lane.paged + rows.length > lane.parked) {',
    replace: '    if (rows.length < 0) {',
    world: {
      workers: 2,
      partitions: 2,
      locations: 2,
      transactions: 12,
      people: { stuckPerSecond: 0.6, limitsPerSecond: 0, commandsPerSecond: 0 },
      faults: { rebalancesPerSecond: 0.3 },
      mishaps: [
        { point: 'page-read', kind: 'zombie' },
        { point: 'taken-over', kind: 'zombie' },
      ],
    },
  },
  // ------------------------------------------------------------------------------------------ lost history
  {
    name: 'a ledger that lost history is believed',
    file: 'sim/ledger-rows.ts',
    find: '  return known.epoch === epoch && (commits === null || known.commits === commits);',
    replace: '  return known.epoch === epoch && commits !== -1;',
  },
  // ------------------------------------------------------------------------------------------ tokens and epochs
  {
    name: 'the status of a doubt carries the old token',
    file: 'sim/ledger-store.ts',
    find: '    if (change.newToken) row.token = this.#nextToken(change.aboveMark);',
    replace:
      "    if (change.newToken && change.to !== 'in_doubt') row.token = this.#nextToken(change.aboveMark);",
  },
  {
    name: 'tokens start anew at each take-over',
    file: 'sim/ledger-store.ts',
    find: '    known.epoch += 1;\n    known.worker = identity.worker;',
    replace: '    known.epoch += 1;\n    this.#token = 0n;\n    known.worker = identity.worker;',
  },
  {
    name: 'the ledger does not compare epochs',
    file: 'sim/ledger-rows.ts',
    find: '  return known.epoch === epoch && (commits === null || known.commits === commits);',
    replace: '  return epoch >= 0 && commits !== -1;',
  },
  {
    name: 'a take-over does not tell of holders',
    file: 'sim/ledger-store.ts',
    find: '      holders.push({ ...row });',
    replace: '      void holders;',
  },
  {
    name: 'a fenced owner gives up',
    file: 'engine/worker.ts',
    find: '      .then(() => (assignment.current ? this.#takeOver(assignment) : undefined))',
    replace: '      .then(() => undefined)',
  },
  // ------------------------------------------------------------------------------------------ lost answers
  {
    name: 'a lost commit is taken for landed',
    file: 'engine/settle.ts',
    find: "  if (row === undefined) return 'again';\n  const own",
    replace: "  if (row === undefined) return { status: 'done', token: '1', notAfterMs: 0 };\n  const own",
  },
  {
    name: 'a lost commit is sent again without raising the epoch',
    file: 'engine/committer.ts',
    find: "        if (error.failure === 'lost') batch = await this.#settle(batch, heads);\n        else",
    replace: "        if (error.failure === 'lost') await this.#pause(attempt);\n        else",
    world: { faults: { commitLost: 0.4 } },
  },
  {
    name: 'rows are read before the epochs are raised',
    file: 'engine/committer.ts',
    find: '    const raised = await this.#untilAnswered(() =>\n      ledger.raise(heads.filter((head) => this.#stateOf(head)?.alive)),\n    );',
    replace:
      '    const early = await this.#untilAnswered(() => ledger.read(batch.flatMap((each) => each.entries.flatMap((entry) => idOf(entry)))));\n    const raised = await this.#untilAnswered(() =>\n      ledger.raise(heads.filter((head) => this.#stateOf(head)?.alive)),\n    );\n    ledger.read = async () => early;',
  },
  {
    name: 'a change that was lost counts as landed',
    file: 'engine/settle.ts',
    find: "  if (row.state === change.fromState && row.token === change.fromToken) return 'again';\n  return {",
    replace:
      "  if (row.state === change.fromState && row.token === change.fromToken)\n    return { status: 'done', state: change.to, step: change.step, token: row.token, notAfterMs: 0, number: row.number ?? 1 };\n  return {",
  },
  // ------------------------------------------------------------------------------------------ results
  {
    name: 'a result counts as published before the broker has it',
    file: 'engine/publisher.ts',
    find: '    const sent = await this.#untilDone(async () => {',
    replace: '    state.published = last.number;\n    const sent = await this.#untilDone(async () => {',
  },
  {
    name: 'results that fail to be published are left out',
    file: 'engine/publisher.ts',
    find: '      await log.publish(state.partition, records);',
    replace: '      await log.publish(state.partition, records).catch(() => undefined);',
  },
  {
    name: 'a new owner publishes from its last number on',
    file: 'engine/publisher.ts',
    find: '    this.#ledgerUpTo = options.state.lastNumber;',
    replace:
      '    this.#ledgerUpTo = options.state.lastNumber;\n    options.state.published = options.state.lastNumber;',
  },
  {
    name: 'two results get one number',
    file: 'sim/ledger-store.ts',
    find: '    const number = (numbers.get(row.partition) ?? 0) + 1;',
    replace: "    const number = (numbers.get(row.partition) ?? 0) + (row.state === 'rolled_back' ? 0 : 1);",
  },
  {
    name: 'the outcome of a result is that of another',
    file: 'engine/result.ts',
    find: '"outcome":"${state}"`;',
    replace: '"outcome":"completed"`;',
  },
  // ------------------------------------------------------------------------------------------ the participant
  {
    name: 'a participant without a fence',
    file: 'sim/site.ts',
    find: "    if (old && defect !== 'no-fence') return String(known.mark);",
    replace: '    void old;',
  },
  {
    name: 'a status that does not fence',
    file: 'sim/site.ts',
    find: "    if (kind === 'status' && defect === 'status-does-not-fence') return null;",
    replace: "    if (kind === 'status') return null;",
  },
  {
    name: 'a participant that forgets its keys',
    file: 'sim/site.ts',
    find: "      if (defect === 'key-forgotten') this.#journal.delete(key);\n      else ",
    replace: '      if (random.chance(0.5)) this.#journal.delete(key);\n      else ',
  },
];
