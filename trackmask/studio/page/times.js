/** Frames and times as people write and type them. */

/** 75.48 → "1:15.480" @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds * 1000));
  const [h, m, s, ms] = [whole / 3600000, (whole / 60000) % 60, (whole / 1000) % 60, whole % 1000].map(Math.floor);
  const two = number => String(number).padStart(2, "0");
  return `${h ? `${h}:${two(m)}` : m}:${two(s)}.${String(ms).padStart(3, "0")}`;
}

/** "1:15.48", "75.48" or "75.48 s" → seconds; null where it is none. @param {string} text */
export function parseClock(text) {
  const parts = text.trim().replace(/\s*s$/, "").replace(",", ".").split(":");
  if (parts.length > 3 || !parts.every(part => /^\d+(\.\d*)?$/.test(part.trim()))) return null;
  return parts.reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

/** Seconds that something still takes, roughly: "12 s", "3 min", never broken between two lines. @param {number} seconds */
export function roughly(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))}\u00a0s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)}\u00a0min` : `${(seconds / 3600).toFixed(1)}\u00a0h`;
}

/** [[0, 3], [7, 7]] → "frames 0–3, 7" @param {[number, number][]} ranges first and last frames */
export function ranges(ranges, most = 3) {
  const rising = [...ranges].sort((a, b) => a[0] - b[0]);
  const shown = rising.slice(0, most).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
  const alone = ranges.length === 1 && ranges[0][0] === ranges[0][1];
  return `frame${alone ? "" : "s"} ${shown.join(", ")}${ranges.length > most ? " …" : ""}`;
}

/** 1 → "1 frame", 20000 → "20,000 frames" */
export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** The last place in a rising list whose value is not above x, at least 0. @param {ArrayLike<number>} list */
export function floor(list, x) {
  let low = 0,
    high = list.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] <= x) low = middle;
    else high = middle;
  }
  return low;
}
