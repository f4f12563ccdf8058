/** One entry of the error catalogue: what a person reads in the log, the API, the CLI and the docs. */
export interface ErrorEntry {
  /** One sentence: what happened. */
  readonly cause: string;
  /** One sentence: what to do about it. */
  readonly remedy: string;
  /** HTTP status when the API answers with it. */
  readonly status: number;
}
