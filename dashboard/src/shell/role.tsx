/** Acts as the role allows: a button that cannot be used stays focusable and says why. */
import type { ReactNode } from 'react';
import { useMe } from '../api/queries.ts';
import { Icon, type IconName } from '../parts/icons.tsx';

const ROLES = ['viewer', 'operator', 'admin'];

/** Null: the role allows it; else why not. */
function useWhyNot(needed: 'operator' | 'admin' = 'operator'): string | null {
  const { data: me } = useMe();
  if (me?.role == null) return `needs the role ${needed}: sign in first`;
  return ROLES.indexOf(me.role) >= ROLES.indexOf(needed) ? null : `needs the role ${needed}`;
}

export function ActButton({
  children,
  icon,
  not = null,
  className = '',
  needed = 'operator',
  onAct,
}: {
  readonly children: ReactNode;
  readonly icon?: IconName;
  /** Why it is not possible now. */
  readonly not?: string | null;
  readonly className?: string;
  readonly needed?: 'operator' | 'admin';
  readonly onAct: () => void;
}) {
  const role = useWhyNot(needed);
  const why = not ?? role;
  return (
    <button
      type="button"
      className={`btn ${className}`}
      aria-disabled={why !== null}
      title={why ?? undefined}
      onClick={() => {
        if (why === null) onAct();
      }}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}
