/** Location patterns: `*` stands for any characters, `?` for one; everything else for itself. */
export function matcher(pattern: string): (location: string) => boolean {
  const source = pattern
    .replaceAll(/[.~^$+(){}|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return (location) => expression.test(location);
}
