/** The types of a configuration file, with what it leaves out filled in. */
import type { Display } from '../core/display.ts';
import type { TypeConfig, TypeVersionConfig } from './config.ts';
import type { Problem } from './problems.ts';
import type { CheckedFile } from './schema.ts';
import { DEFAULT_DEADLINE_MS } from './types.ts';

type FileType = NonNullable<CheckedFile['types']>[string];

/** Null: the file names none, so any type is accepted. */
export function fileTypes(file: CheckedFile, stepTimeoutMs: number): Record<string, TypeConfig> | null {
  if (file.types === undefined) return null;
  const version = ({ version: number, deadlineMs, steps }: Version): TypeVersionConfig => ({
    version: number ?? 1,
    deadlineMs: deadlineMs ?? DEFAULT_DEADLINE_MS,
    steps: steps.map((step) => ({
      name: step.name,
      participant: step.participant ?? 'default',
      timeoutMs: step.timeoutMs ?? stepTimeoutMs,
      irreversible: step.irreversible ?? false,
      canRefuse: step.canRefuse ?? true,
    })),
  });
  return Object.fromEntries(
    Object.entries(file.types).map(([type, configured]) => [
      type,
      {
        ...version(configured),
        display: displayOf(configured.display),
        earlier: (configured.earlier ?? []).map(version),
      },
    ]),
  );
}

type Version = Pick<FileType, 'version' | 'deadlineMs' | 'steps'>;

function displayOf(display: FileType['display']): Display | null {
  if (display === undefined) return null;
  const { amount = null, currency = null, label = null, redact = [] } = display;
  return { amount, currency, label, redact };
}

/** Steps at participants that nobody configured. */
export function unknownParticipants(
  types: Readonly<Record<string, TypeConfig>>,
  names: readonly string[],
): Problem[] {
  const allowed =
    names.length === 0 ? 'a name of participants, which is empty' : `one of: ${names.join(', ')}`;
  return Object.entries(types).flatMap(([type, { steps }]) =>
    [...steps.entries()].flatMap(([index, { participant }]) =>
      names.includes(participant)
        ? []
        : [
            {
              field: `types.${type}.steps.${index}.participant`,
              found: JSON.stringify(participant),
              allowed,
            },
          ],
    ),
  );
}
