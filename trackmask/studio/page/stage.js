/** The frame with its masks and prompts, drawn as the viewport says. */

import { painted } from "./masks.js";
import { fitted, toScreen } from "./viewport.js";

const BEHIND = "#808080"; // a cut-out: light and dark objects both stand out from it
const CRISP = 4; // device pixels a pixel of the clip, from which on pixels are squares
const GRID = 14; // screen pixels a pixel of the clip, from which on the pixels' borders are drawn
const MARK = 7; // screen pixels: the radius of a click's disc

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

  function masks(line) {
    const { shown, style, hidden, solo, clip } = state;
    const key = [shown.labels, style, hidden, solo, clip.objects, line];
    if (layer && key.every((part, k) => part === layer.key[k])) return layer.image;
    const palette = Array.from({ length: 256 }, () => [128, 128, 128]);
    for (const { id, color } of clip.objects) palette[id] = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
    const image = painted(shown.labels, style, { palette, shown: id => isShown(state, id), line });
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
    const scale = view.scale * ratio;
    context.setTransform(scale * clip.aspect, 0, 0, scale, view.x * ratio, view.y * ratio);
    context.imageSmoothingEnabled = scale < CRISP;
    context.imageSmoothingQuality = "medium";
    const line = Math.max(1, Math.round((style === "outline" ? 2 : 1.5) / view.scale));
    const image = style === "none" || !shown.labels.ids.length ? null : masks(line);
    if (style === "cutout") drawCutout(context, clip, shown.picture, image);
    else {
      context.drawImage(shown.picture, 0, 0, clip.width, clip.height);
      if (image) context.drawImage(image.canvas, image.x, image.y);
    }
    drawStroke(context, state);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (view.scale >= GRID) drawGrid(context, view, clip, room);
    drawMarks(context, state);
    drawPointer(context, state);
  }

  store.listen(
    ["clip", "shown", "viewport", "room", "style", "hidden", "solo", "marks", "stroke", "pointer", "chosen", "tool", "radius", "frame"],
    draw,
  );
  store.listen(["clip"], (_, changed) => {
    if (state.clip && changed.has("clip") && state.viewport.of !== state.clip.clip) {
      change({ viewport: { ...fitted(state.clip, state.room), of: state.clip.clip } });
    }
  });
}

/** Whether people want to see an object. */
export const isShown = ({ hidden, solo }, id) => (solo === null ? !hidden.has(id) : solo === id);

const colourOf = ({ clip }, id) => clip.objects.find(object => object.id === id)?.color ?? "#808080";

function drawCutout(context, clip, picture, image) {
  context.fillStyle = BEHIND;
  context.fillRect(0, 0, clip.width, clip.height);
  if (!image) return;
  const { canvas, x, y } = image;
  const cut = new OffscreenCanvas(canvas.width, canvas.height);
  const inside = cut.getContext("2d");
  inside.drawImage(canvas, 0, 0);
  inside.globalCompositeOperation = "source-in";
  inside.drawImage(picture, -x, -y, clip.width, clip.height);
  context.drawImage(cut, x, y);
}

/** What is being painted, until the server's mask has it. */
function drawStroke(context, state) {
  const { stroke, clip, shown } = state;
  if (!stroke || stroke.frame !== shown.frame) return;
  const path = new Path2D();
  stroke.points.forEach(([x, y], k) => (k ? path.lineTo(x, y) : path.moveTo(x, y)));
  if (stroke.points.length === 1) path.lineTo(stroke.points[0][0] + 0.01, stroke.points[0][1]);
  context.lineCap = context.lineJoin = "round";
  if (stroke.add) {
    context.globalAlpha = 0.55;
    context.strokeStyle = context.fillStyle = colourOf(state, stroke.object);
  } else {
    // The bare picture over the mask.
    const bare = context.createPattern(shown.picture, "no-repeat");
    bare.setTransform(new DOMMatrix().scale(clip.width / shown.picture.width, clip.height / shown.picture.height));
    context.strokeStyle = context.fillStyle = bare;
  }
  if (stroke.closed) context.fill(path);
  else {
    context.lineWidth = 2 * stroke.radius;
    context.stroke(path);
  }
  context.globalAlpha = 1;
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

/** The prompts of this frame: those of the chosen object, and those on their way. */
function drawMarks(context, state) {
  const { clip, shown, marks, viewport, chosen, style } = state;
  if (style === "none" && !marks.length) return;
  const here = clip.prompts.filter(prompt => prompt.frame === shown.frame && prompt.object === chosen && isShown(state, prompt.object));
  for (const prompt of [...here, ...marks.filter(mark => mark.frame === shown.frame)]) {
    const colour = colourOf(state, prompt.object);
    if (prompt.box) drawBox(context, toScreenBox(viewport, clip, prompt.box), colour);
    for (const [points, plus] of [[prompt.positive, true], [prompt.negative, false]]) {
      for (const [x, y] of points ?? []) drawClick(context, toScreen(viewport, clip, x, y), colour, plus);
    }
  }
}

function toScreenBox(view, clip, [x, y, width, height]) {
  const [from, to] = [toScreen(view, clip, x, y), toScreen(view, clip, x + width, y + height)];
  return [from.x, from.y, to.x - from.x, to.y - from.y];
}

function drawBox(context, box, colour) {
  for (const [width, style] of [[3.5, "#fffd"], [1.5, colour]]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.strokeRect(...box);
  }
}

function drawClick(context, { x, y }, colour, plus) {
  context.beginPath();
  context.arc(x, y, MARK, 0, 7);
  context.fillStyle = plus ? colour : "#fff";
  context.fill();
  context.lineWidth = 1.6;
  context.strokeStyle = plus ? "#fff" : colour;
  context.stroke();
  context.beginPath();
  context.moveTo(x - 3.2, y);
  context.lineTo(x + 3.2, y);
  if (plus) {
    context.moveTo(x, y - 3.2);
    context.lineTo(x, y + 3.2);
  }
  context.stroke();
}

/** What goes with the pointer: the brush's rim, the box or lasso that is drawn, the keyboard's cross. */
function drawPointer(context, { pointer, viewport, clip, tool, radius }) {
  if (!pointer) return;
  const { at, box, path, cross } = pointer;
  if (box) drawBox(context, toScreenBox(viewport, clip, box), "#222");
  if (path) {
    context.beginPath();
    for (const [x, y] of path) {
      const { x: sx, y: sy } = toScreen(viewport, clip, x, y);
      context.lineTo(sx, sy);
    }
    twice(context, () => context.stroke());
  }
  if (!at) return;
  const { x, y } = toScreen(viewport, clip, at.x, at.y);
  if (tool === "brush" || tool === "eraser") {
    context.beginPath();
    context.ellipse(x, y, radius * viewport.scale * clip.aspect, radius * viewport.scale, 0, 0, 7);
    twice(context, () => context.stroke());
  }
  if (cross) {
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 16 * dx, y + 16 * dy);
    }
    twice(context, () => context.stroke());
  }
}

/** Dark over light, to be seen on every picture. */
function twice(context, stroke) {
  for (const [width, style] of [[3, "#000a"], [1.2, "#fff"]]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    stroke();
  }
}
