/** Ranges of frames, as the server has them: [[first, last], ...], both ends included, rising. */

/** @typedef {[number, number][]} Ranges */

/** @param {Ranges | undefined} ranges @param {number} frame */
export const within = (ranges, frame) => (ranges ?? []).some(([first, last]) => first <= frame && frame <= last);

/** @param {Ranges | undefined} ranges @param {number} frame @returns {Ranges} */
export function withFrame(ranges = [], frame) {
  if (within(ranges, frame)) return ranges;
  const before = ranges.filter(([, last]) => last < frame),
    behind = ranges.filter(([first]) => first > frame);
  const first = before.at(-1)?.[1] === frame - 1 ? before.pop()[0] : frame;
  const last = behind[0]?.[0] === frame + 1 ? behind.shift()[1] : frame;
  return [...before, [first, last], ...behind];
}

/** @param {Ranges | undefined} ranges @param {number} frame @returns {Ranges} */
export const withoutFrame = (ranges = [], frame) =>
  ranges.flatMap(([first, last]) =>
    frame < first || last < frame
      ? [[first, last]]
      : [
          [first, frame - 1],
          [frame + 1, last],
        ].filter(([a, b]) => a <= b),
  );

/** The frames that are in any of them. @param {Ranges[]} all @returns {Ranges} */
export function union(all) {
  const found = [];
  for (const [first, last] of all.flat().sort((a, b) => a[0] - b[0])) {
    const before = found.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else found.push([first, last]);
  }
  return found;
}
