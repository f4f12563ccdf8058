/** What `signalbox doctor` looks at, from the configuration: one check for each thing a worker needs. */

import { readTokens } from '../api/tokens.ts';
import { type Config, isLoopback, withoutSecrets } from '../config/config.ts';
import { planWarnings } from '../config/plan-warnings.ts';
import { SignalboxError } from '../core/errors/catalogue.ts';
import type { Participant, World } from '../engine/ports.ts';
import { kafkaFacts, ledgerName, logName, openParticipants } from './compose.ts';
import { embeddedRuns, findLedger, prepareLedger } from './compose-ledger.ts';
import type { Check, Finding } from './doctor-command.ts';

export function doctorChecks(config: Config, world: World): Check[] {
  return [
    { name: 'configuration', run: async () => ok(config.file ?? 'no file: environment and defaults') },
    { name: 'plans', run: async () => plansFinding(config) },
    { name: 'API', run: async () => apiFinding(config) },
    { name: 'ledger', run: () => ledgerFinding(config) },
    ...logChecks(config, world),
    ...participantChecks(config, world),
  ];
}

const ok = (says: string): Finding => ({ status: 'ok', says });

function plansFinding(config: Config): Finding {
  const [first, ...more] = planWarnings(config);
  if (first === undefined)
    return ok(config.types === null ? 'any type, one step' : `${Object.keys(config.types).length} types`);
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  return { status: 'warn', says: `${first.detail}${others}`, code: first.code };
}

function apiFinding({ api }: Config): Finding {
  const { host, port, tokensFile } = api;
  if (tokensFile !== null) readTokens(tokensFile);
  else if (!isLoopback(host)) throw new SignalboxError('SB-5005', host);
  return ok(`${host}:${port}, ${tokensFile === null ? 'loopback only' : `tokens of ${tokensFile}`}`);
}

async function ledgerFinding(config: Config): Promise<Finding> {
  if (!(await embeddedRuns(config))) {
    return { status: 'warn', says: `${ledgerName(config)} does not run; "signalbox run" starts it` };
  }
  const address = await findLedger(config);
  try {
    await prepareLedger(address, false);
  } catch (error) {
    const old = error instanceof SignalboxError && error.code === 'SB-2003';
    if (!old || !config.ledger.migrate) throw error;
    return {
      status: 'warn',
      says: `${ledgerName(config)}: reachable; it will be migrated at start`,
      code: 'SB-2003',
    };
  }
  return ok(`${ledgerName(config)}: reachable, migrated to this version`);
}

function logChecks(config: Config, world: World): Check[] {
  if (config.kafka === null) return [{ name: 'log', run: async () => ok(logName(config)) }];
  let asked: ReturnType<typeof kafkaFacts> | null = null;
  const facts = () => {
    asked ??= kafkaFacts(config, world);
    return asked;
  };
  return [
    { name: 'topic', run: async () => topicFinding(config, await facts()) },
    { name: 'results topic', run: async () => resultsFinding(config, await facts()) },
  ];
}

type Facts = Awaited<ReturnType<typeof kafkaFacts>>;

function topicFinding({ topic, kafka }: Config, { partitions, replicas, warnings }: Facts): Finding {
  const says = `${topic} at ${kafka?.brokers.join(',')}: ${partitions} partitions, ${replicas} replicas, not compacted`;
  const [first] = warnings;
  if (first === undefined) return ok(says);
  return { status: 'warn', says: `${says}; ${first.detail}`, code: first.code };
}

function resultsFinding({ topic, createResults }: Config, { partitions, resultsPartitions }: Facts): Finding {
  const name = `${topic}.results`;
  if (resultsPartitions === null) {
    if (createResults) return ok(`${name} does not exist yet; it will be made with ${partitions} partitions`);
    throw new SignalboxError('SB-3012', name);
  }
  if (resultsPartitions === partitions) return ok(`${name}: ${resultsPartitions} partitions`);
  return { status: 'warn', says: `${name} has ${resultsPartitions} partitions, ${topic} has ${partitions}` };
}

function participantChecks(config: Config, world: World): Check[] {
  const names = Object.keys(config.participants);
  if (names.length === 0) {
    return [{ name: 'participant', run: () => Promise.reject(new SignalboxError('SB-5004')) }];
  }
  return names.map((name) => ({
    name: `participant ${name}`,
    run: () => participantFinding(name, config, world),
  }));
}

async function participantFinding(name: string, config: Config, world: World): Promise<Finding> {
  const url = config.participants[name]?.url ?? '';
  const participants = await openParticipants(config, world);
  try {
    return await capabilitiesFinding(url, participants.get(name));
  } finally {
    await participants.close();
  }
}

async function capabilitiesFinding(url: string, participant: Participant): Promise<Finding> {
  if (url.includes('{location}')) {
    return { status: 'warn', says: `${url}: one endpoint a location, not asked here` };
  }
  const where = withoutSecrets(url);
  const capabilities = await participant.capabilities('');
  if (capabilities === 'away')
    throw new SignalboxError('SB-4102', `no answer to GET ${where}/v1/capabilities`);
  if (capabilities === 'none') {
    return { status: 'warn', says: `${where}: no capabilities, so grade G0: doubt is held`, code: 'SB-4205' };
  }
  const { grade, fence, replay, status, reverse } = capabilities;
  const has = Object.entries({ replay, fence, status, reverse }).filter(([, can]) => can);
  const says = `${where}: grade ${grade} (${has.map(([can]) => can).join(', ') || 'nothing'})`;
  return grade === 'G3'
    ? ok(says)
    : { status: 'warn', says: `${says}; doubt is not always resolved by itself`, code: 'SB-4205' };
}
