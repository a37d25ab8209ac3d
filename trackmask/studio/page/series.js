/** What is known of each object in each frame, for the timeline and the objects' rows. */

export const STATES = ["nothing", "tracked", "uncertain", "lost", "absent"]; // a state's number is its place here
const LETTERS = { ".": 0, t: 1, u: 2, l: 3, a: 4 };

/**
 * @typedef {object} Series
 * @property {Uint8Array} states a number of STATES for each frame
 * @property {Float32Array} confidence 0 to 1; means nothing where there is no state
 */

/** @param {number} frames @returns {Series} */
export const emptySeries = frames => ({ states: new Uint8Array(frames), confidence: new Float32Array(frames) });

/** @param {ReturnType<import("./server.js").clipAt>} server @param {number} object its id @param {number} frames
 * @returns {Promise<Series>} */
export async function fetchSeries(server, object, frames) {
  const { first, states, confidence } = await server.timeline(object);
  const series = emptySeries(frames);
  const last = Math.min(frames - first, states.length);
  for (let k = 0; k < last; k++) {
    series.states[first + k] = LETTERS[states[k]] ?? 0;
    series.confidence[first + k] = confidence[k] ?? 0;
  }
  return series;
}

/** Take in frames that were just tracked.
 * @param {Map<number, Series>} all
 * @param {{object: number, frame: number, state: string, confidence: number | null}[]} points */
export function extend(all, points) {
  for (const { object, frame, state, confidence } of points) {
    const series = all.get(object);
    if (!series || frame >= series.states.length) continue;
    series.states[frame] = LETTERS[state] ?? 0;
    series.confidence[frame] = confidence ?? 0;
  }
}
