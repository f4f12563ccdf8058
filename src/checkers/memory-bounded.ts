import { type Checker, Findings, type Verdict } from './checker.ts';
import type { Evidence } from './evidence.ts';

/** Contract 18: 400 MB a worker at default limits. */
const RSS_BYTES_MAX = 400_000_000;

/** L4: what each worker said of its memory, whatever waited. */
export class MemoryBounded implements Checker {
  readonly name = 'L4';
  readonly promise = 'Memory is bounded whatever the backlog.';

  check({ memory }: Evidence): Verdict {
    const findings = new Findings();
    for (const { worker, rssBytesMax } of memory) {
      const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
      findings.expect(
        rssBytesMax <= RSS_BYTES_MAX,
        () => `${worker} took ${megabytes(rssBytesMax)}, the bound is ${megabytes(RSS_BYTES_MAX)}`,
      );
    }
    return findings.verdict();
  }
}
