/** Times of RFC 3339 with an offset, such as 2026-11-25T10:00:00Z or 2026-11-25t11:00:00.25+01:00. */

const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/i;

/**
 * Unix time in whole ms, cut off below; null when the text is not such a time. A second 60 is read as the second
 * after it, and only where leap seconds are: before midnight UTC.
 */
export function parseRfc3339(text: string): number | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const part = (group: number): number => Number(match[group] ?? 0);
  const [hour, minute, second, offsetHour, offsetMinute] = [part(4), part(5), part(6), part(9), part(10)];
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return null;
  const dayMs = startOfDay(part(1), part(2), part(3));
  if (dayMs === null) return null;
  const offsetMs = minutesMs(offsetHour, offsetMinute) * (match[8] === '-' ? -1 : 1);
  const minuteMs = dayMs + minutesMs(hour, minute) - offsetMs;
  if (second === 60 && (minuteMs + minutesMs(0, 1)) % minutesMs(24, 0) !== 0) return null;
  return minuteMs + second * 1_000 + Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
}

/** Null when there is no such day. */
function startOfDay(year: number, month: number, day: number): number | null {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would read the years 0 to 99 as 1900 to 1999
  return date.getUTCMonth() === month - 1 ? date.getTime() : null; // another month: no such day
}

function minutesMs(hours: number, minutes: number): number {
  return (hours * 60 + minutes) * 60_000;
}
