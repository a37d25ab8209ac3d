/** What the pointer does on the frame, without one: Enter shows a cross, the arrow keys move it, Enter clicks there or,
 * with a brush, an eraser or a lasso, begins to draw and ends it. */

import { boxBetween, inClip } from "./saying.js";
import { panned, toFrame, toScreen } from "./viewport.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 4,
  LEAP = 20; // screen pixels, with Shift the second
export const DRAWS = ["brush", "eraser", "lasso"]; // tools; with the others Enter clicks

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./saying.js").makeSaying>} saying
 * @param {{begin: Function, move: Function, end: () => boolean, cancel: () => boolean}} drawing as gestures.js has it
 * @returns {() => void} shows it, from anywhere in the page
 */
export function mountCross(canvas, store, saying, drawing) {
  const { state, change } = store;
  const show = pointer => change({ pointer: { ...pointer, cross: true } });

  /** Where the cross comes: the middle of what is seen of the frame. */
  function middle() {
    const { viewport, clip, room } = state;
    return inClip(clip, toFrame(viewport, clip, room.width / 2, room.height / 2));
  }

  function enter(minus) {
    const { at, box } = state.pointer;
    show({ at });
    if (box) saying.box(box);
    else if (!DRAWS.includes(state.tool)) saying.click(at, !minus);
    else if (!drawing.end()) drawing.begin(at, minus);
  }

  function move([dx, dy], step) {
    const { at, box, from } = state.pointer;
    const by = step / Math.max(1, state.viewport.scale);
    const to = inClip(state.clip, { x: at.x + dx * by, y: at.y + dy * by });
    show({ at: to, from, box: box && boxBetween(from, to), ...drawing.move(to) });
    keepInSight(to);
  }

  /** Zoomed in, the picture moves where the cross would leave the stage. */
  function keepInSight(at) {
    const { viewport, clip, room } = state;
    const { x, y } = toScreen(viewport, clip, at.x, at.y);
    const out = (place, size) => Math.min(Math.max(place, LEAP), size - LEAP) - place;
    const [dx, dy] = [out(x, room.width), out(y, room.height)];
    if (!viewport.fits && (dx || dy)) change({ viewport: { ...panned(viewport, clip, room, dx, dy), of: clip.clip } });
  }

  function press({ key, altKey, shiftKey }) {
    const { at } = state.pointer;
    if (key === "Enter") enter(altKey);
    else if (key === "r") show({ at, from: at, box: [at.x, at.y, 1, 1] });
    else if (key in WAYS) move(WAYS[key], shiftKey ? LEAP : STEP);
    else return false;
    return true;
  }

  canvas.addEventListener("keydown", event => {
    if (!state.shown || !state.pointer?.cross || !press(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => state.pointer?.cross && drawing.cancel());

  return () => {
    canvas.focus();
    if (state.shown) show({ at: middle() });
  };
}
