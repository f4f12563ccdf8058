/**
 * The group requests of a member, as functions: what the member needs of the network and nothing else.
 *
 * W1 JoinGroup waits at the broker until the whole group has joined, so it has connections of its own; heartbeats and
 *    LeaveGroup go on others, commits on those of the committer.
 * W2 A call resolves to the broker's answer, error code included, and rejects only when none came.
 */
import {
  type Connection,
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  syncGroupV5,
} from '@platformatic/kafka';
import type { World } from '../../engine/ports.ts';
import { Connections } from './connections.ts';
import type { Coordinator } from './coordinator.ts';
import { answerOf, KAFKA } from './kafka-errors.ts';
import type { GroupTimes, KafkaConnectionSettings } from './settings.ts';

export interface Identity {
  readonly memberId: string;
  readonly generation: number;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly owned: readonly number[];
  readonly generation: number;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly memberId: string;
  readonly generation: number;
  /** Everybody when we lead, else empty. */
  readonly members: readonly JoinedMember[];
  readonly leads: boolean;
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly assigned: readonly number[];
}

export interface GroupWire {
  join(identity: Identity, owned: readonly number[]): Promise<JoinAnswer>;
  /** `assignment` by member id from the leader, else empty. */
  sync(identity: Identity, assignment: ReadonlyMap<string, readonly number[]>): Promise<SyncAnswer>;
  /** Resolves to the error code. */
  heartbeat(identity: Identity): Promise<number>;
  leave(memberId: string): Promise<void>;
  /** Breaks a JoinGroup or SyncGroup under way: its connection seems dead. */
  abandonJoin(): void;
  forgetCoordinator(): void;
  close(): Promise<void>;
}

/** Our own name: a foreign consumer with the same group id is refused instead of silently taking partitions. */
const PROTOCOL = 'signalbox';
const PROTOCOL_TYPE = 'consumer';
const SUBSCRIPTION_VERSION = 3;
/** A JoinGroup is answered at the latest when the rebalance times out; the rest is for the way. */
const JOIN_MARGIN_MS = 10_000;
/** A loaded broker may take this long for a heartbeat although the session is short. */
const HEARTBEAT_MS_MIN = 1_000;

export interface GroupWireOptions {
  readonly world: World;
  readonly settings: KafkaConnectionSettings & { readonly topic: string; readonly group: string };
  readonly times: GroupTimes;
  readonly coordinator: Coordinator;
}

export class KafkaGroupWire implements GroupWire {
  readonly #options: GroupWireOptions;
  readonly #joins: Connections;
  readonly #heartbeats: Connections;

  constructor(options: GroupWireOptions) {
    const { world, settings, times } = options;
    this.#options = options;
    this.#joins = new Connections({
      world,
      settings,
      requestTimeoutMs: times.rebalanceTimeoutMs + JOIN_MARGIN_MS,
    });
    // A third of the session: two tries before the fence closes.
    const requestTimeoutMs = Math.max(HEARTBEAT_MS_MIN, times.sessionTimeoutMs / 3);
    this.#heartbeats = new Connections({ world, settings, requestTimeoutMs });
  }

  async join(identity: Identity, owned: readonly number[]): Promise<JoinAnswer> {
    const { settings, times } = this.#options;
    const metadata = encodeConsumerProtocolSubscription({
      version: SUBSCRIPTION_VERSION,
      topics: [settings.topic],
      ownedPartitions: [{ topic: settings.topic, partitions: [...owned] }],
      generationId: owned.length === 0 ? -1 : identity.generation,
    });
    const connection = await this.#to(this.#joins);
    const answer = await answerOf(
      joinGroupV9.api.async(
        connection,
        settings.group,
        times.sessionTimeoutMs,
        times.rebalanceTimeoutMs,
        identity.memberId,
        null,
        PROTOCOL_TYPE,
        [{ name: PROTOCOL, metadata }],
        null,
      ),
    );
    const { errorCode, memberId, generationId: generation } = answer;
    const leads = errorCode === KAFKA.NONE && answer.leader === memberId;
    return { errorCode, memberId, generation, leads, members: leads ? answer.members.map(this.#member) : [] };
  }

  #member = (member: { readonly memberId: string; readonly metadata: Buffer }): JoinedMember => {
    const { topics, ownedPartitions, generationId } = decodeConsumerProtocolSubscription(member.metadata);
    const ours = ownedPartitions.filter(({ topic }) => topic === this.#options.settings.topic);
    const owned = ours.flatMap(({ partitions }) => partitions);
    return { memberId: member.memberId, topics, owned, generation: generationId };
  };

  async sync(identity: Identity, assignment: ReadonlyMap<string, readonly number[]>): Promise<SyncAnswer> {
    const { topic, group } = this.#options.settings;
    const assignments = [...assignment].map(([memberId, partitions]) => {
      const assignedPartitions = [{ topic, partitions: [...partitions] }];
      return { memberId, assignment: encodeConsumerProtocolAssignment({ version: 0, assignedPartitions }) };
    });
    const { memberId, generation } = identity;
    const connection = await this.#to(this.#joins);
    const answer = await answerOf(
      syncGroupV5.api.async(
        connection,
        group,
        generation,
        memberId,
        null,
        PROTOCOL_TYPE,
        PROTOCOL,
        assignments,
      ),
    );
    if (answer.errorCode !== KAFKA.NONE || answer.assignment.length === 0) {
      return { errorCode: answer.errorCode, assigned: [] };
    }
    const { assignedPartitions } = decodeConsumerProtocolAssignment(answer.assignment);
    const ours = assignedPartitions.filter((assigned) => assigned.topic === topic);
    return { errorCode: KAFKA.NONE, assigned: ours.flatMap(({ partitions }) => partitions) };
  }

  async heartbeat({ memberId, generation }: Identity): Promise<number> {
    const connection = await this.#to(this.#heartbeats);
    const { group } = this.#options.settings;
    const answer = await answerOf(heartbeatV4.api.async(connection, group, generation, memberId, null));
    return answer.errorCode;
  }

  async leave(memberId: string): Promise<void> {
    const connection = await this.#to(this.#heartbeats);
    const member = { memberId, groupInstanceId: null, reason: 'closed' };
    await answerOf(leaveGroupV5.api.async(connection, this.#options.settings.group, [member]));
  }

  abandonJoin(): void {
    this.#joins.abandon();
  }

  forgetCoordinator(): void {
    this.#options.coordinator.forget();
  }

  async close(): Promise<void> {
    await Promise.all([this.#joins.close(), this.#heartbeats.close()]);
  }

  async #to(connections: Connections): Promise<Connection> {
    return connections.get(await this.#options.coordinator.find());
  }
}
