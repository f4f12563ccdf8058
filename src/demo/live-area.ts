/**
 * The lower lines of a terminal, redrawn in place; ordinary lines are printed above them.
 * Without a terminal the area is not drawn at all.
 */
export class LiveArea {
  readonly #write: (text: string) => void;
  readonly #live: boolean;
  #shown = 0;

  constructor(write: (text: string) => void, live: boolean) {
    this.#write = write;
    this.#live = live;
  }

  /** An ordinary line, above the area; the area comes back at the next drawing. */
  print(line: string): void {
    this.#write(`${this.#erased()}${line}\n`);
  }

  draw(lines: readonly string[]): void {
    if (!this.#live) return;
    const erased = this.#erased();
    this.#shown = lines.length;
    this.#write(`${erased}${lines.map((line) => `${line}\n`).join('')}`);
  }

  #erased(): string {
    const up = this.#shown === 0 ? '' : `\x1b[${this.#shown}A\x1b[0J`;
    this.#shown = 0;
    return up;
  }
}
