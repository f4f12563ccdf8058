/**
 * Everything a test of the whole job needs, on this machine: a broker, a Postgres, the simulated site and a fleet of
 * workers, all real and all of its own, watched from outside.
 *
 * S1 One stage at a time on a machine.
 * S2 `close` stops everything in order; the logs are kept when the test failed (or SIGNALBOX_KEEP_LOGS=1), and where is printed.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import type { Evidence } from '../../src/checkers/evidence.ts';
import { kafkaBehindLinks, type LinkedKafka, type NoKafka } from '../fixtures/kafka.ts';
import { type OwnPostgres, ownPostgres } from '../fixtures/postgres.ts';
import { BrokerClient, type TopicFacts } from './broker-client.ts';
import { collectEvidence } from './collect-evidence.ts';
import { Fleet } from './fleet.ts';
import { LedgerClient } from './ledger-client.ts';
import { OffsetSampler } from './offset-sampler.ts';
import { Producer, type ProducerSettings } from './producer.ts';
import { settle } from './settle.ts';
import { SiteProcess } from './site-process.ts';
import { installTakeOverProbe } from './take-over-probe.ts';
import { takeTurn } from './turn.ts';
import { until } from './wait.ts';
import { closeLinks, environmentOf, openLinks, type WorkerLinks } from './worker-links.ts';
import type { PlannedRecord } from './workload.ts';

export interface StageSettings {
  readonly partitions: number;
  /** Flags of src/site/main.ts. */
  readonly site: readonly string[];
  /** Environment of the workers over that of the rig. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly configFile?: string;
  /** Types of the configuration file; without one every type is known. */
  readonly knownType?: (type: string) => boolean;
  readonly topicConfigs?: Readonly<Record<string, string>>;
  /** Places for workers behind links of their own. Default 0. */
  readonly places?: number;
  /** Servers of the ledger. Default 1. */
  readonly shards?: number;
}

const TOPIC = 'transactions';
const GROUP = 'signalbox';
export const SESSION_TIMEOUT_MS = 6_000;
/** Steps take milliseconds; longer ones are in doubt. */
const STEP_TIMEOUT_MS = 3_000;
const DRAIN_TIMEOUT_MS = 15_000;
/** Beyond the drain time a process takes this long to close and go, at most. */
const EXIT_GRACE_MS = 6_000;

/** Steps under way of a worker that began while no effect ends, and so lately that their time-outs are still far. */
const AT_WORK = `select count(*)::float8 as count
  from signalbox.transactions t join signalbox.partitions p using (topic, partition)
  where p.worker = $1 and t.state = 'executing' and t.began_at > greatest($2, now() - interval '1 second')`;
/** One of them may be lost on its way to the site; not all. */
const AT_WORK_MIN = 3;

interface Parts {
  readonly endTurn: () => void;
  readonly directory: string;
  readonly settings: StageSettings;
  readonly kafka: LinkedKafka;
  /** Shard 0 first. */
  readonly servers: readonly [OwnPostgres, ...OwnPostgres[]];
  readonly site: SiteProcess;
  readonly client: BrokerClient;
  readonly samplerClient: BrokerClient;
  readonly ledger: LedgerClient;
  readonly samplerLedger: LedgerClient;
  readonly topic: TopicFacts;
  readonly links: readonly WorkerLinks[];
}

export class Stage {
  readonly fleet: Fleet;
  readonly sampler: OffsetSampler;
  readonly #parts: Parts;
  #producers: Producer[] = [];
  #healedAtMs = Number.POSITIVE_INFINITY;

  private constructor(parts: Parts) {
    this.#parts = parts;
    const { directory, settings, kafka, servers, site, topic } = parts;
    const urls = servers.map(({ connectionString }) => connectionString).join(',');
    this.fleet = new Fleet({
      directory,
      configFile: settings.configFile ?? null,
      exitDeadlineMs: DRAIN_TIMEOUT_MS + EXIT_GRACE_MS,
      environment: {
        KAFKA_BROKERS: kafka.bootstrap,
        ...(servers.length === 1 ? { DATABASE_URL: urls } : { DATABASE_URLS: urls }),
        SIGNALBOX_TOPIC: TOPIC,
        SIGNALBOX_GROUP: GROUP,
        SIGNALBOX_PARTICIPANT_URL: site.url,
        SIGNALBOX_SESSION_TIMEOUT_MS: `${SESSION_TIMEOUT_MS}`,
        SIGNALBOX_STEP_TIMEOUT_MS: `${STEP_TIMEOUT_MS}`,
        SIGNALBOX_DRAIN_TIMEOUT_MS: `${DRAIN_TIMEOUT_MS}`,
        SIGNALBOX_DIR: directory,
        ...settings.environment,
      },
    });
    this.sampler = new OffsetSampler({
      client: parts.samplerClient,
      ledger: parts.samplerLedger,
      topic,
      group: GROUP,
    });
  }

  /** Says why when there is no broker: the reason of the skipped tests. */
  static async open(settings: StageSettings): Promise<Stage | NoKafka> {
    const endTurn = await takeTurn();
    const { places = 0, shards = 1 } = settings;
    const kafka = await kafkaBehindLinks(places);
    if ('skip' in kafka) {
      endTurn();
      return kafka;
    }
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-stage-'));
    const siteDirectory = join(directory, 'site');
    await mkdir(siteDirectory);
    const postgres = await ownPostgres();
    const more = await Promise.all(Array.from({ length: shards - 1 }, () => ownPostgres()));
    const servers = [postgres, ...more] as const;
    const urls = servers.map(({ connectionString }) => connectionString);
    for (const connectionString of urls) await migrate({ connectionString });
    const ledger = new LedgerClient(...urls);
    await installTakeOverProbe(ledger);
    const client = new BrokerClient(kafka.bootstrap);
    const { partitions, topicConfigs: configs = {} } = settings;
    const topic = await client.createTopic({ name: TOPIC, partitions, configs });
    const site = await SiteProcess.start({ directory: siteDirectory, behaviour: settings.site });
    const samplerClient = new BrokerClient(kafka.bootstrap);
    const samplerLedger = new LedgerClient(...urls);
    const links = await Promise.all(
      kafka.links.map((broker) => openLinks(broker, { ledger: postgres.port, site: site.port })),
    );
    return new Stage({
      endTurn,
      directory,
      settings,
      kafka,
      servers,
      site,
      client,
      samplerClient,
      ledger,
      samplerLedger,
      topic,
      links,
    });
  }

  get kafka(): LinkedKafka {
    return this.#parts.kafka;
  }

  get postgres(): OwnPostgres {
    return this.servers[0];
  }

  get servers(): readonly [OwnPostgres, ...OwnPostgres[]] {
    return this.#parts.servers;
  }

  get site(): SiteProcess {
    return this.#parts.site;
  }

  get topic(): TopicFacts {
    return this.#parts.topic;
  }

  /** Links of the places, the first at 0. */
  get links(): readonly WorkerLinks[] {
    return this.#parts.links;
  }

  /** Starts a worker at a place; does not wait for it. */
  launchAt(place: number, name: string, more: Readonly<Record<string, string>> = {}): void {
    const links = this.links[place];
    if (links === undefined) throw new Error(`there is no place ${place}`);
    this.fleet.launch(name, { ...environmentOf(links, this.postgres.connectionString), ...more });
  }

  get ledger(): LedgerClient {
    return this.#parts.ledger;
  }

  /** Of one server of the ledger, on a connection of its own. */
  async serverRows<T extends object>(shard: number, text: string): Promise<T[]> {
    const server = new LedgerClient(this.servers[shard]?.connectionString ?? '');
    try {
      return await server.rows<T>(text);
    } finally {
      await server.close();
    }
  }

  /** Starts to produce at this rate, through outages; it is stopped with the stage. */
  produce(workload: readonly PlannedRecord[], rate: number): Producer {
    return this.#started({ workload, rate });
  }

  /** The same, but never more than `backlogMax` records ahead of the workers. */
  produceNotAhead(workload: readonly PlannedRecord[], rate: number, backlogMax: number): Producer {
    return this.#started({ workload, rate, backlog: { max: backlogMax, ended: () => this.ended() } });
  }

  #started(settings: Pick<ProducerSettings, 'workload' | 'rate' | 'backlog'>): Producer {
    const { client, topic } = this.#parts;
    const producer = new Producer({ client, topic, ...settings });
    this.#producers.push(producer);
    producer.start();
    return producer;
  }

  /** Records that have ended, whatever their end. */
  async ended(): Promise<number> {
    const rows = await this.#parts.ledger.rows<{ ended: number | null }>(
      'select sum(last_number + dead_letters + duplicates)::float8 as ended from signalbox.partitions',
    );
    return rows.reduce((sum, { ended }) => sum + (ended ?? 0), 0);
  }

  /** Resolves when these workers have taken over everything between them, each something. */
  async ownedBy(workers: readonly string[], timeoutMs: number): Promise<void> {
    const { ledger } = this.#parts;
    const wanted = workers.toSorted().join(' ');
    await until({ what: `all partitions are owned by ${wanted}`, timeoutMs, pollMs: 250 }, async () => {
      const rows = await ledger.rows<{ worker: string }>('select distinct worker from signalbox.partitions');
      return [...new Set(rows.map(({ worker }) => worker))].sort().join(' ') === wanted;
    });
  }

  /** SIGKILL in the middle of steps: effects do not end until the ledger shows some of this worker's under way. */
  async killAtWork(worker: string, timeoutMs: number): Promise<void> {
    const { ledger, site } = this.#parts;
    await site.change({ jam: ['*'] });
    const [clock] = await ledger.rows<{ now: Date }>('select now()');
    await until({ what: `${worker} executes steps`, timeoutMs, pollMs: 20 }, async () => {
      const rows = await ledger.rows<{ count: number }>(AT_WORK, [worker, clock?.now]);
      return rows.reduce((sum, { count }) => sum + count, 0) >= AT_WORK_MIN;
    });
    this.fleet.signal(worker, 'SIGKILL');
    await site.change({ release: ['*'] });
  }

  /** From here on nothing more is done to the run. */
  async settle(timeoutMs: number): Promise<void> {
    this.#healedAtMs = Date.now();
    const { client, ledger, topic } = this.#parts;
    await settle({ client, ledger, topic, group: GROUP, timeoutMs });
  }

  /**
   * Stops the sampler and collects. The workers may go on: they have nothing to do. `disturbances`: things done to the
   * run besides starts, stops and kills of workers.
   */
  async collect(disturbances: number): Promise<Evidence> {
    const { client, ledger, topic, site, settings } = this.#parts;
    await this.sampler.stop();
    return collectEvidence({
      client,
      ledger,
      topic,
      knownType: settings.knownType ?? (() => true),
      concurrencyOf: () => 1,
      journal: await site.journal(),
      offsets: this.sampler.samples,
      workers: this.fleet.events,
      memory: this.sampler.memory,
      disturbances,
      healedAtMs: this.#healedAtMs,
      exitDeadlineMs: DRAIN_TIMEOUT_MS + EXIT_GRACE_MS,
    });
  }

  async close(passed: boolean): Promise<void> {
    const { directory, kafka, servers, site, client, samplerClient, ledger, samplerLedger, links, endTurn } =
      this.#parts;
    await Promise.all(this.#producers.map((producer) => producer.stop()));
    await this.sampler.stop();
    await this.fleet.stopAll();
    await site.stop();
    await Promise.all([client, samplerClient, ledger, samplerLedger].map((each) => each.close()));
    await Promise.all(links.map(closeLinks));
    await Promise.all([kafka, ...servers].map((each) => each.stop()));
    endTurn();
    if (passed && process.env.SIGNALBOX_KEEP_LOGS !== '1')
      await rm(directory, { recursive: true, force: true });
    else console.error(`logs of the run: ${directory}`);
  }
}
