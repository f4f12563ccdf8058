/** The requests Signalbox sends and their versions: what the broker must offer (SB-3007). */
import { apiVersionsV3, type Connection } from '@platformatic/kafka';
import { SignalboxError } from '../../core/errors/catalogue.ts';
import { answerOf, KAFKA } from './kafka-errors.ts';

interface NeededApi {
  readonly name: string;
  readonly key: number;
  readonly version: number;
}

export const NEEDED_APIS: readonly NeededApi[] = [
  { name: 'Produce', key: 0, version: 11 },
  { name: 'Fetch', key: 1, version: 17 },
  { name: 'ListOffsets', key: 2, version: 9 },
  { name: 'Metadata', key: 3, version: 12 },
  { name: 'OffsetCommit', key: 8, version: 9 },
  { name: 'OffsetFetch', key: 9, version: 9 },
  { name: 'FindCoordinator', key: 10, version: 6 },
  { name: 'JoinGroup', key: 11, version: 9 },
  { name: 'Heartbeat', key: 12, version: 4 },
  { name: 'LeaveGroup', key: 13, version: 5 },
  { name: 'SyncGroup', key: 14, version: 5 },
  { name: 'CreateTopics', key: 19, version: 7 },
  { name: 'DescribeConfigs', key: 32, version: 4 },
];

/** The client name and version that the broker counts connections by. */
const SOFTWARE = ['signalbox', '1'] as const;

/** Throws SB-3007 (final) with each request whose version the broker does not offer. */
export async function checkApiVersions(connection: Connection): Promise<void> {
  const answer = await answerOf(apiVersionsV3.api.async(connection, ...SOFTWARE));
  if (answer.errorCode !== KAFKA.NONE) {
    throw new SignalboxError('SB-3007', `ApiVersions was answered with code ${answer.errorCode}`, {
      final: true,
    });
  }
  const lacking = lackingApis(answer.apiKeys);
  if (lacking.length > 0) throw new SignalboxError('SB-3007', lacking.join(', '), { final: true });
}

export function lackingApis(
  offered: readonly { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number }[],
): string[] {
  return NEEDED_APIS.flatMap(({ name, key, version }) => {
    const api = offered.find(({ apiKey }) => apiKey === key);
    if (api === undefined) return [`no ${name}`];
    const fits = version >= api.minVersion && version <= api.maxVersion;
    return fits ? [] : [`${name} ${version} is outside ${api.minVersion} to ${api.maxVersion}`];
  });
}
