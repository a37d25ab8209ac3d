/** Pointer and keys on the stage: clicks, boxes, strokes and lassos become what the server is asked to do. */

import { isShown } from "./marks.js";
import { panned, toFrame, zoomed } from "./viewport.js";

const DRAG = 4; // screen pixels from which on a press is no click any more
const HOVER = 80; // milliseconds of rest after which the server hears where a click may come
const NOTCH = 100; // of a wheel's deltaY: one step of the zoom

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function mountGestures(canvas, store, session) {
  const { state, change } = store;
  let press = null; // what the pointer has done since it went down
  let hovering;

  const place = event => {
    const box = canvas.getBoundingClientRect();
    return toFrame(state.viewport, state.clip, event.clientX - box.left, event.clientY - box.top);
  };
  const inside = ({ x, y }) => x >= 0 && y >= 0 && x < state.clip.width && y < state.clip.height;
  const held = ({ x, y }) => ({
    x: Math.min(Math.max(x, 0), state.clip.width - 0.01),
    y: Math.min(Math.max(y, 0), state.clip.height - 0.01),
  });
  // What people see is what they mean, even while another frame is on its way.
  const target = () => ({ object: state.chosen, frame: state.shown.frame });

  const acts = {
    click({ x, y }, on) {
      if (!on && state.chosen === null) return;
      const spot = target();
      session.act("click", { ...spot, x, y, on }, { ...spot, [on ? "positive" : "negative"]: [[x, y]] });
    },
    box(box) {
      const spot = target();
      session.act("box", { ...spot, box }, { ...spot, box });
    },
    async stroke(stroke) {
      const { object, frame, points, add, radius, closed } = stroke;
      await session.act(
        closed ? "polygon" : "stroke",
        closed ? { object, frame, points, add } : { object, frame, points, add, radius },
      );
      if (state.stroke === stroke) change({ stroke: null });
    },
    /** The object under a place of the frame becomes the chosen one. */
    choose({ x, y }) {
      const { ids, width } = state.shown.labels;
      const id = ids[Math.floor(y) * width + Math.floor(x)];
      if (id && isShown(state, id)) change({ chosen: id });
    },
  };

  const boxBetween = (a, b) => [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.abs(a.x - b.x), Math.abs(a.y - b.y)];

  canvas.addEventListener("pointerdown", event => {
    if (!state.shown || press) return;
    const at = place(event);
    const pan = event.button === 1 || state.tool === "hand" || state.panning;
    const minus = event.button === 2 || event.altKey || (event.ctrlKey && event.button === 0);
    if (!pan && !inside(at) && state.tool !== "point") return;
    canvas.setPointerCapture(event.pointerId);
    if (pan) press = { kind: "pan" };
    else if (event.shiftKey && inside(at)) acts.choose(at);
    else if (state.tool === "point") press = { kind: "point", from: at, start: [event.clientX, event.clientY], minus };
    else if (state.tool === "lasso") press = { kind: "lasso", path: [[at.x, at.y]], minus };
    else {
      const add = (state.tool === "brush") !== minus;
      press = { kind: "stroke" };
      change({ stroke: { ...target(), points: [[at.x, at.y]], radius: state.radius, add } });
    }
  });

  canvas.addEventListener("pointermove", event => {
    if (!state.shown) return;
    const at = place(event);
    const pointer = { at };
    if (press?.kind === "pan")
      change({
        viewport: {
          ...panned(state.viewport, state.clip, state.room, event.movementX, event.movementY),
          of: state.clip.clip,
        },
      });
    else if (press?.kind === "point") {
      const far = Math.hypot(event.clientX - press.start[0], event.clientY - press.start[1]) > DRAG;
      if (far && !press.minus) press.box = true;
      if (press.box) pointer.box = boxBetween(held(press.from), held(at));
    } else if (press) {
      // All that the pointer passed, not only where it is when a picture is drawn.
      const passed = (event.getCoalescedEvents?.() ?? []).map(place);
      for (const { x, y } of passed.length ? passed : [at]) {
        if (press.kind === "lasso") press.path.push([x, y]);
        else state.stroke?.points.push([x, y]);
      }
      if (press.kind === "lasso") pointer.path = press.path;
      else change({ stroke: { ...state.stroke } });
    }
    change({ pointer });
    clearTimeout(hovering);
    if (!press && state.tool === "point" && inside(at) && !state.speed && !state.pending && !state.clip.job) {
      hovering = setTimeout(() => session.hover(state.shown.frame, at), HOVER);
    }
  });

  canvas.addEventListener("pointerup", event => {
    if (!press) return;
    const at = place(event);
    const { kind, from, box, path, minus } = press;
    press = null;
    change({ pointer: { at } });
    if (kind === "point") {
      const drawn = box && boxBetween(held(from), held(at));
      if (drawn && drawn[2] >= 1 && drawn[3] >= 1) acts.box(drawn);
      else if (!box && inside(from)) acts.click(from, !minus);
    } else if (kind === "stroke") acts.stroke(state.stroke);
    else if (kind === "lasso" && path.length > 2) {
      const stroke = { ...target(), points: path, add: !minus, closed: true };
      change({ stroke });
      acts.stroke(stroke);
    }
  });

  canvas.addEventListener("pointercancel", () => cancel());
  canvas.addEventListener("pointerleave", () => {
    clearTimeout(hovering);
    if (!press) change({ pointer: null });
  });
  canvas.addEventListener("contextmenu", event => event.preventDefault());
  canvas.addEventListener("auxclick", event => event.preventDefault());
  canvas.addEventListener(
    "wheel",
    event => {
      if (!state.clip) return;
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      const notches = -event.deltaY / (event.ctrlKey ? NOTCH / 4 : NOTCH); // a pinch comes as a small wheel with Ctrl
      zoom(notches, event.clientX - box.left, event.clientY - box.top);
    },
    { passive: false },
  );

  /** Give up what is being drawn. @returns {boolean} whether anything was */
  function cancel() {
    const was = press !== null || Boolean(state.pointer?.cross);
    press = null;
    change({ stroke: null, pointer: null });
    return was;
  }

  /** @param {number} steps in, or below 0 out */
  function zoom(steps, x, y) {
    change({ viewport: { ...zoomed(state.viewport, state.clip, state.room, steps, x, y), of: state.clip.clip } });
    session.sharpen();
  }

  // Without a pointer: Enter shows a cross, the arrow keys move it, Enter clicks there.
  canvas.addEventListener("keydown", event => {
    if (!state.shown) return;
    const cross = state.pointer?.cross ? state.pointer : null;
    if (!cross) {
      if (event.key !== "Enter") return;
      const { width, height } = state.clip;
      change({ pointer: { at: { x: width / 2, y: height / 2 }, cross: true, box: null } });
    } else if (event.key === "Enter") {
      if (cross.box) {
        acts.box(cross.box);
        change({ pointer: { at: cross.at, cross: true, box: null } });
      } else acts.click(cross.at, !event.altKey);
    } else if (event.key === "r") {
      change({ pointer: { ...cross, from: cross.at, box: [cross.at.x, cross.at.y, 1, 1] } });
    } else {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
      if (dx === undefined) return;
      const step = (event.shiftKey ? 20 : 4) / Math.min(4, Math.max(1, state.viewport.scale));
      const at = held({ x: cross.at.x + dx * step, y: cross.at.y + dy * step });
      change({ pointer: { ...cross, at, box: cross.box && boxBetween(cross.from, at) } });
    }
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => state.pointer?.cross && change({ pointer: null }));

  return { cancel, zoom };
}
