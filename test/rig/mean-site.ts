/**
 * Flags of a site that does to a few of its calls what participants do: some effects take longer than the step
 * time-out, some requests arrive after the status that fenced them, some answers are lost, or are none.
 */
export function meanSite(rates: {
  readonly seed: string;
  readonly lostAnswers: number;
  readonly lostAsks: number;
}): string[] {
  return [
    ['--delay-ms', '5-40'],
    ['--slow-ms', '3500-5000'],
    ['--lost-answer-rate', `${rates.lostAnswers}`],
    ['--refusal-rate', '0.02'],
    ['--lost-request-rate', '0.002'],
    ['--garbage-rate', '0.002'],
    ['--error-rate', '0.002'],
    ['--retry-rate', '0.002'],
    ['--pending-rate', '0.002'],
    ['--slow-rate', '0.001'],
    ['--late-rate', '0.001'],
    ['--ask-lost-rate', `${rates.lostAsks}`],
    ['--seed', rates.seed],
  ].flat();
}
