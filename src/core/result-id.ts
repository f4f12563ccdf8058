/** Names of results (contract 12): what a consumer removes duplicates by. */

/** Header of each result: `<topic>/<partition>/<number>`, of the source topic. */
export const RESULT_ID = 'signalbox-result-id';

export function resultId(topic: string, partition: number, number: number): string {
  return `${topic}/${partition}/${number}`;
}

/** The number in the id of a result of this partition; null for any other text. */
export function numberIn(id: string, topic: string, partition: number): number | null {
  const head = `${topic}/${partition}/`;
  if (!id.startsWith(head)) return null;
  const text = id.slice(head.length);
  return /^[1-9]\d{0,15}$/.test(text) ? Number(text) : null;
}
