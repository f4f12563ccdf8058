/** Location patterns: `*` stands for any characters, `?` for one; everything else for itself. */

export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** How exact a pattern is: its characters that stand for themselves. */
export function literalsOf(pattern: string): number {
  return pattern.replaceAll(/[*?]/g, '').length;
}

/** Whether all of `location` fits, in at most pattern x location steps: no pattern of a person can stop a worker. */
export function matches(pattern: string, location: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resumeAt = 0;
  while (at < location.length) {
    if (place < pattern.length && pattern[place] === '*') {
      star = place;
      resumeAt = at;
      place += 1;
    } else if (place < pattern.length && (pattern[place] === '?' || pattern[place] === location[at])) {
      place += 1;
      at += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      resumeAt += 1;
      at = resumeAt;
      place = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[place] === '*') place += 1;
  return place === pattern.length;
}
