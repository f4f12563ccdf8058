/** The icons of the page as one sprite, and one of them in its place. */
const PATHS = {
  now: <path d="M1.5 8h3l2-5 3 10 2-5h3" />,
  loc: <path d="M1 5h14M1 11h14M4 3v4M10 3v4M6 9v4M12 9v4" />,
  tx: <path d="M2 4h6M5 8h7M8 12h6" />,
  att: <path d="M5.3 1.6h5.4l3.7 3.7v5.4l-3.7 3.7H5.3l-3.7-3.7V5.3zM8 4.6v4M8 11.2h.01" />,
  workers: <path d="M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01M8 5h3M8 11h3" />,
  audit: <path d="M4 1.8h8v12.4H4zM6.2 5h3.6M6.2 8h3.6M6.2 11h2" />,
  more: <path d="M3 8h.01M8 8h.01M13 8h.01" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.6" />
      <path d="m10.5 10.5 3.6 3.6" />
    </>
  ),
  theme: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <path d="M8 2.4v11.2A5.6 5.6 0 0 0 8 2.4z" fill="currentColor" />
    </>
  ),
  done: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m5.2 8.2 2 2 3.6-4.1" />
    </>
  ),
  back: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M11 8H5.4M7.4 5.8 5.2 8l2.2 2.2" />
    </>
  ),
  doubt: (
    <>
      <path d="M8 1.4 14.6 8 8 14.6 1.4 8z" />
      <path d="M6.6 6.7c0-1.9 3-1.9 3 0 0 1.1-1.5 1.2-1.5 2.2M8.1 11h.01" />
    </>
  ),
  held: (
    <>
      <path className="fillme" d="M5.3 1.6h5.4l3.7 3.7v5.4l-3.7 3.7H5.3l-3.7-3.7V5.3z" />
      <path d="M8 4.6v4M8 11.2h.01" />
    </>
  ),
  pause: (
    <>
      <rect x="2" y="2" width="12" height="12" rx="2" />
      <path d="M6.3 5.4v5.2M9.7 5.4v5.2" />
    </>
  ),
  rev: <path d="M13.5 4v3.5a2 2 0 0 1-2 2H3M6.2 6.2 2.8 9.5l3.4 3.4" />,
  exec: (
    <>
      <rect x="3" y="5" width="10" height="6" rx="1" fill="currentColor" />
      <path d="M.8 8H3M13 8h2.2" />
    </>
  ),
  clear: <path d="M1 8h14M4 5v6M12 5v6" />,
  wait: <circle cx="8" cy="8" r="5.4" strokeDasharray="2.5 2.3" />,
  parked: <path d="M2.5 9v4h11V9M5 6.3l3 3 3-3M8 2v7" />,
  dead: (
    <path d="M3.2 1.8h9.6v5.4l-2.4 1.6L8 7.2 5.6 8.8 3.2 7.2zM3.2 12.2l2.4-1.6L8 12.2l2.4-1.6 2.4 1.6v2H3.2z" />
  ),
  lag: <path d="M2 13.5h12M4 10.5V8M8 10.5V5.5M12 10.5v-8" />,
  limit: <path d="M2 5.5h12M2 10.5h12M5.5 3.5v4M10.5 8.5v4" />,
  ask: <path d="M13.6 8a5.6 5.6 0 1 1-1.7-4M13.8 1.8v2.9h-2.9" />,
  person: (
    <>
      <circle cx="8" cy="5" r="2.8" />
      <path d="M2.6 14c.6-3.2 2.6-4.8 5.4-4.8s4.8 1.6 5.4 4.8" />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 7.4v3.6M8 5h.01" />
    </>
  ),
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.2" />
      <path d="M10.5 3H4a1.2 1.2 0 0 0-1.2 1.2v6.3" />
    </>
  ),
  next: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  x: <path d="m4 4 8 8M12 4l-8 8" />,
  play: <path d="M5.5 3.5v9l7-4.5z" fill="currentColor" />,
  bars: <path d="M5.5 3.5v9M10.5 3.5v9" />,
} as const;

export type IconName = keyof typeof PATHS;

export function Sprite() {
  return (
    <svg className="sprite" aria-hidden="true">
      {Object.entries(PATHS).map(([name, path]) => (
        <symbol key={name} id={`i-${name}`} viewBox="0 0 16 16">
          {path}
        </symbol>
      ))}
    </svg>
  );
}

export function Icon({ name, className = 'i' }: { readonly name: IconName; readonly className?: string }) {
  return (
    <svg className={className} aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}
