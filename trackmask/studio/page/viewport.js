/** Zoom and pan: how places of the frame, in the clip's pixels, lie on the screen, in CSS pixels. */

const MOST = 48; // screen pixels a pixel of the clip: a mask's edge can then be clicked without aiming
const LEAST_OF_FIT = 0.5; // of the scale at which the whole frame fits
const NEAR = 0.6; // of the stage: how much of it an object fills that people go near to
const STEP = 1.25; // a press of + or a notch of the wheel

/**
 * @typedef {object} Viewport
 * @property {number} scale screen pixels a pixel of the clip, down
 * @property {number} x where the frame's left edge lies on the screen
 * @property {number} y where its top edge lies
 * @property {boolean} fits whether it follows the window's size
 */

/** The whole frame.
 * @param {{width: number, height: number, aspect: number}} clip @param {{width: number, height: number}} stage
 * @returns {Viewport} */
export function fitted(clip, stage) {
  const margin = 12;
  const width = clip.width * clip.aspect;
  const room = [Math.max(1, stage.width - 2 * margin) / width, Math.max(1, stage.height - 2 * margin) / clip.height];
  const scale = Math.min(...room, MOST);
  return { scale, x: (stage.width - width * scale) / 2, y: (stage.height - clip.height * scale) / 2, fits: true };
}

/** A part of the frame in the middle, with room around it.
 * @param {{left: number, top: number, right: number, bottom: number}} box in the clip's pixels, both ends included
 * @returns {Viewport} */
export function around(clip, stage, { left, top, right, bottom }) {
  const [width, height] = [(right + 1 - left) * clip.aspect, bottom + 1 - top];
  const scale = Math.min(MOST, (NEAR * stage.width) / width, (NEAR * stage.height) / height);
  const x = stage.width / 2 - (left * clip.aspect + width / 2) * scale;
  return { scale, x, y: stage.height / 2 - (top + height / 2) * scale, fits: false };
}

/** Zoom by steps (below 0: out) so that the place under (x, y) of the screen stays. @returns {Viewport} */
export function zoomed(view, clip, stage, steps, x = stage.width / 2, y = stage.height / 2) {
  const least = fitted(clip, stage).scale * LEAST_OF_FIT;
  const scale = Math.min(MOST, Math.max(Math.min(least, 1), view.scale * STEP ** steps));
  const by = scale / view.scale;
  return kept({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by, fits: false }, clip, stage);
}

/** @returns {Viewport} */
export function panned(view, clip, stage, dx, dy) {
  return kept({ ...view, x: view.x + dx, y: view.y + dy, fits: false }, clip, stage);
}

/** Never so far out that the frame cannot be found again. */
function kept(view, clip, stage) {
  const rim = 60;
  const hold = (at, size, room) =>
    Math.min(Math.max(at, Math.min(rim, room / 2) - size), room - Math.min(rim, room / 2));
  return {
    ...view,
    x: hold(view.x, clip.width * clip.aspect * view.scale, stage.width),
    y: hold(view.y, clip.height * view.scale, stage.height),
  };
}

/** Screen → frame, not rounded: pixel (3, 5) is hit from 3 up to 4 and from 5 up to 6. */
export function toFrame(view, clip, x, y) {
  return { x: (x - view.x) / (view.scale * clip.aspect), y: (y - view.y) / view.scale };
}

/** Frame → screen. */
export function toScreen(view, clip, x, y) {
  return { x: view.x + x * view.scale * clip.aspect, y: view.y + y * view.scale };
}
