/** Where a command writes: text for people, or one JSON value for machines (`--json`). */
export interface Terminal {
  readonly json: boolean;
  /** Colours and redrawing are allowed on standard output. */
  readonly tty: boolean;
  readonly columns: number;
  out(text: string): void;
  err(text: string): void;
}

export function processTerminal(json: boolean): Terminal {
  const { stdout, stderr } = process;
  return {
    json,
    tty: stdout.isTTY === true && !json,
    columns: stdout.columns ?? 100,
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
  };
}

/** The JSON form, or the lines for people. */
export function show(terminal: Terminal, value: unknown, lines: () => readonly string[]): void {
  if (terminal.json) terminal.out(JSON.stringify(value, null, 2));
  else for (const line of lines()) terminal.out(line);
}

export type Cell = string | number | null | undefined;

/** Columns as wide as their widest cell, numbers to the right, two spaces between; a header line above. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const texts = rows.map((row) => row.map(cellText));
  const widths = header.map((name, column) =>
    Math.max(name.length, ...texts.map((row) => row[column]?.length ?? 0)),
  );
  const numeric = header.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(header), ...texts.map(line)];
}

function isNumber(cell: Cell): boolean {
  return typeof cell === 'number' || cell === null || cell === undefined;
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '-';
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell;
}

/** Label and value lines: `state      completed`. Values that are null are left out. */
export function fields(entries: readonly (readonly [label: string, value: Cell])[]): string[] {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined);
  const width = Math.max(...shown.map(([label]) => label.length));
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${value}`);
}

/** `0.4 s`, `42 s`, `6 m 12 s`, `2 h 10 m`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`;
}

/** `2026-11-25T12:01:05.123Z` as `2026-11-25 12:01:05.123 UTC`. */
export function clock(iso: string | null): string | null {
  return iso === null ? null : iso.replace('T', ' ').replace('Z', ' UTC');
}
