/** What `parts.ts` measures in turns. */
export interface Part {
  readonly name: string;
  /** Gives µs of CPU. */
  readonly run: () => Promise<number>;
}

export interface Parts {
  readonly parts: readonly Part[];
  readonly close: () => Promise<void>;
}
