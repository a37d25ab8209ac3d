/** The frame with its masks and prompts, drawn as the viewport says. */

import { drawMarks, drawPointer, drawStroke, isShown } from "./marks.js";
import { painted } from "./masks.js";
import { fitted } from "./viewport.js";

const BEHIND = "#808080"; // a cut-out: light and dark objects both stand out from it
const CRISP = 4; // device pixels a pixel of the clip, from which on pixels are squares
const LATE = 150; // milliseconds that a frame may take to come before that is said
const GRID = 14; // screen pixels a pixel of the clip, from which on the pixels' borders are drawn

/** @param {HTMLCanvasElement} canvas @param {ReturnType<import("./store.js").makeStore>} store */
export function mountStage(canvas, store) {
  const { state, change } = store;
  const context = canvas.getContext("2d");
  let layer = null; // the masks as a picture, and what it was painted from

  const fit = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    change({ room: { width, height } });
    if (state.clip && state.viewport.fits) change({ viewport: fitted(state.clip, state.room) });
  };
  new ResizeObserver(fit).observe(canvas);

  /** The masks as they are seen, painted again where something that they show has changed. */
  function masks(view, ratio) {
    const { shown, style, hidden, solo, clip, chosen } = state;
    const key = [shown.labels, style, hidden, solo, clip.objects, chosen, ratio, ...Object.values(view)];
    if (layer && key.every((part, k) => part === layer.key[k])) return layer.image;
    const palette = Array.from({ length: 256 }, () => [128, 128, 128]);
    for (const { id, color } of clip.objects) palette[id] = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
    const image = painted(shown.labels, style, view, { palette, isShown: id => isShown(state, id), chosen, ratio });
    layer = { key, image };
    return image;
  }

  function draw() {
    const { viewport: view, clip, shown, room, style } = state;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(room.width * ratio), Math.round(room.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!clip || !shown) return;
    const [across, down] = [view.scale * ratio * clip.aspect, view.scale * ratio];
    const [x, y] = [view.x * ratio, view.y * ratio];
    context.imageSmoothingEnabled = down < CRISP;
    context.imageSmoothingQuality = "medium";
    const seen = style !== "none" && shown.labels.ids.length;
    const image = seen ? masks({ x, y, across, down, width, height }, ratio) : null;
    context.setTransform(across, 0, 0, down, x, y);
    (style === "cutout" ? drawCutout : drawCovered)(context, clip, shown.picture, image);
    drawStroke(context, state);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (view.scale >= GRID) drawGrid(context, view, clip, room);
    drawMarks(context, state);
    drawPointer(context, state);
  }

  store.listen(
    [
      "clip",
      "shown",
      "viewport",
      "room",
      "style",
      "hidden",
      "solo",
      "marks",
      "stroke",
      "pointer",
      "chosen",
      "tool",
      "radius",
      "frame",
    ],
    draw,
  );
  const nearby = document.getElementById("nearby");
  let late; // until it is said that the wanted frame is not there yet
  function tellNearby() {
    if (!state.shown) return;
    nearby.textContent = `Frame ${state.shown.frame}, until ${state.frame} is there`;
    nearby.hidden = false;
  }
  store.listen(["shown", "frame", "speed"], ({ shown, frame, speed }) => {
    clearTimeout(late);
    nearby.hidden = true;
    if (!shown || speed || shown.frame === frame) return;
    if (shown.standsIn) tellNearby();
    else late = setTimeout(tellNearby, LATE);
  });
  store.listen(["clip"], () => {
    if (state.clip && state.viewport.of !== state.clip.clip) {
      change({ viewport: { ...fitted(state.clip, state.room), of: state.clip.clip } });
    }
  });
}

/** Masks as they were painted, whatever the context's scale. */
function drawMasks(context, image) {
  if (!image) return;
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(image.canvas, image.x, image.y);
  context.restore();
}

function drawCovered(context, { width, height }, picture, image) {
  context.drawImage(picture, 0, 0, width, height);
  drawMasks(context, image);
}

function drawCutout(context, { width, height }, picture, image) {
  drawMasks(context, image);
  context.globalCompositeOperation = "source-in"; // only where the masks are
  context.drawImage(picture, 0, 0, width, height);
  context.globalCompositeOperation = "destination-over"; // and under that
  context.fillStyle = BEHIND;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
}

function drawGrid(context, view, clip, room) {
  const across = view.scale * clip.aspect;
  const [left, top] = [Math.max(0, Math.ceil(-view.x / across)), Math.max(0, Math.ceil(-view.y / view.scale))];
  context.beginPath();
  for (let x = left; x <= clip.width && view.x + x * across <= room.width; x++) {
    context.moveTo(view.x + x * across, view.y);
    context.lineTo(view.x + x * across, view.y + clip.height * view.scale);
  }
  for (let y = top; y <= clip.height && view.y + y * view.scale <= room.height; y++) {
    context.moveTo(view.x, view.y + y * view.scale);
    context.lineTo(view.x + clip.width * across, view.y + y * view.scale);
  }
  context.strokeStyle = "#80808040";
  context.lineWidth = 1;
  context.stroke();
}
