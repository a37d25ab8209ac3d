/** Clicks and boxes without a pointer: Enter shows a cross, the arrow keys move it, Enter clicks there. */

import { boxBetween, inClip } from "./saying.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 4,
  LEAP = 20; // screen pixels, with Shift the second

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./saying.js").makeSaying>} saying
 */
export function mountCross(canvas, store, saying) {
  const { state, change } = store;
  const show = pointer => change({ pointer: { ...pointer, cross: true } });

  function press({ key, altKey, shiftKey }) {
    const { at, box, from } = state.pointer;
    if (key === "Enter" && box) {
      saying.box(box);
      show({ at });
    } else if (key === "Enter") saying.click(at, !altKey);
    else if (key === "r") show({ at, from: at, box: [at.x, at.y, 1, 1] });
    else if (key in WAYS) {
      const [dx, dy] = WAYS[key].map(way => (way * (shiftKey ? LEAP : STEP)) / Math.max(1, state.viewport.scale));
      const to = inClip(state.clip, { x: at.x + dx, y: at.y + dy });
      show({ at: to, from, box: box && boxBetween(from, to) });
    } else return false;
    return true;
  }

  canvas.addEventListener("keydown", event => {
    if (!state.shown) return;
    if (state.pointer?.cross) {
      if (!press(event)) return;
    } else if (event.key === "Enter") show({ at: { x: state.clip.width / 2, y: state.clip.height / 2 } });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => state.pointer?.cross && change({ pointer: null }));
}
