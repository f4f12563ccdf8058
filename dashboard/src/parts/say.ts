/** The one polite live region: counts and results, never ticks. */
export function say(text: string): void {
  const region = document.getElementById('say');
  if (region !== null) region.textContent = text;
}
