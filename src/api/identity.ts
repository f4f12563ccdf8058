/**
 * Who asks, and what they may do: a role, and the locations it counts for. The one place where both are compared.
 * I1 What has no location (the fleet, the audit, limits by pattern) is open to an identity that counts everywhere.
 */
import { SignalboxError } from '../core/errors/catalogue.ts';
import { matches } from '../core/pattern.ts';

/** Each role may do what the earlier ones may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Identity {
  /** What the audit names. */
  readonly name: string;
  readonly role: Role;
  /** Patterns of locations; null: all. */
  readonly locations: readonly string[] | null;
}

function allows(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Throws SB-6004. */
export function needRole({ name, role }: Identity, needed: Role): void {
  if (!allows(role, needed)) throw new SignalboxError('SB-6004', `${needed} is needed, ${name} is ${role}`);
}

export function counts({ locations }: Identity, location: string): boolean {
  return locations === null || locations.some((pattern) => matches(pattern, location));
}

/** Throws SB-6004. */
export function needLocation(identity: Identity, location: string): void {
  if (!counts(identity, location)) {
    throw new SignalboxError(
      'SB-6004',
      `${identity.name} counts for ${identity.locations?.join(', ')}, not for ${location}`,
    );
  }
}

/** Throws SB-6004 (I1). */
export function needEverywhere({ name, locations }: Identity): void {
  if (locations !== null)
    throw new SignalboxError('SB-6004', `${name} counts for ${locations.join(', ')} only`);
}
