/** What lies over the frame: prompts, what is being painted, and what goes with the pointer. */

import { toScreen } from "./viewport.js";

const MARK = 7; // screen pixels: the radius of a click's disc

const colourOf = ({ clip }, id) => clip.objects.find(object => object.id === id)?.color ?? "#808080";

/** Whether people want to see an object. */
export const isShown = ({ hidden, solo }, id) => (solo === null ? !hidden.has(id) : solo === id);

/** What is being painted, until the server's mask has it. */
export function drawStroke(context, state) {
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

/** The prompts of this frame: those of the chosen object, and those on their way. */
export function drawMarks(context, state) {
  const { clip, shown, marks, viewport, chosen, style } = state;
  if (style === "none" && !marks.length) return;
  const here = clip.prompts.filter(
    prompt => prompt.frame === shown.frame && prompt.object === chosen && isShown(state, prompt.object),
  );
  for (const prompt of [...here, ...marks.filter(mark => mark.frame === shown.frame)]) {
    const colour = colourOf(state, prompt.object);
    if (prompt.box) drawBox(context, toScreenBox(viewport, clip, prompt.box), colour);
    for (const [points, plus] of [
      [prompt.positive, true],
      [prompt.negative, false],
    ]) {
      for (const [x, y] of points ?? []) drawClick(context, toScreen(viewport, clip, x, y), colour, plus);
    }
  }
}

function toScreenBox(view, clip, [x, y, width, height]) {
  const [from, to] = [toScreen(view, clip, x, y), toScreen(view, clip, x + width, y + height)];
  return [from.x, from.y, to.x - from.x, to.y - from.y];
}

function drawBox(context, box, colour) {
  for (const [width, style] of [
    [3.5, "#fffd"],
    [1.5, colour],
  ]) {
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
export function drawPointer(context, { pointer, viewport, clip, tool, radius }) {
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
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      context.moveTo(x + 3 * dx, y + 3 * dy);
      context.lineTo(x + 18 * dx, y + 18 * dy);
    }
    twice(context, () => context.stroke());
  }
}

/** Dark over light, to be seen on every picture. */
function twice(context, stroke) {
  for (const [width, style] of [
    [4, "#000b"],
    [1.6, "#fff"],
  ]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    stroke();
  }
}
