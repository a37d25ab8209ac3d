/** The pointer on the stage: presses become clicks, boxes, strokes and lassos, the wheel zooms. */

import { mountCross } from "./cross.js";
import { boxBetween, inClip, makeSaying } from "./saying.js";
import { panned, toFrame, zoomed } from "./viewport.js";

const DRAG = 4; // screen pixels from which on a press is no click any more
const CLOSE = 0.5; // screen pixels: places of a stroke that are nearer to each other are one
const HOVER = 80; // milliseconds of rest after which the server hears where a click may come
const NOTCH = 100; // of a wheel's deltaY: one step of the zoom
const PINCH = 25; // the same where two fingers zoom, which comes as a wheel with Ctrl

/**
 * @typedef {object} Press what the pointer does from down to up
 * @property {(at: {x: number, y: number}, event: PointerEvent) => object} move gives what goes with the pointer
 * @property {(at: {x: number, y: number}) => void} up
 * @property {number} [by] the pointer, of several fingers the first; the keyboard's cross is none
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function mountGestures(canvas, store, session) {
  const { state, change } = store;
  const saying = makeSaying(store, session);
  /** @type {Press | null} */
  let press = null;
  let hovering;

  const onStage = event => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const place = event => {
    const { x, y } = onStage(event);
    return toFrame(state.viewport, state.clip, x, y);
  };
  const inside = ({ x, y }) => x >= 0 && y >= 0 && x < state.clip.width && y < state.clip.height;
  const look = viewport => change({ viewport: { ...viewport, of: state.clip.clip } });

  /** @type {Record<string, (at: {x: number, y: number}, minus: boolean, event: PointerEvent) => Press>} */
  const presses = {
    hand(_at, _minus, event) {
      let last = onStage(event);
      return {
        move(_, moved) {
          const now = onStage(moved);
          look(panned(state.viewport, state.clip, state.room, now.x - last.x, now.y - last.y));
          last = now;
          return {};
        },
        up() {},
      };
    },
    point(from, minus, event) {
      const [began, spot] = [onStage(event), saying.target()];
      let isBox = false;
      return {
        move(at, moved) {
          const { x, y } = onStage(moved);
          isBox ||= !minus && Math.hypot(x - began.x, y - began.y) > DRAG;
          return isBox ? { box: boxBetween(inClip(state.clip, from), inClip(state.clip, at)) } : {};
        },
        up(at) {
          if (isBox) saying.box(boxBetween(inClip(state.clip, from), inClip(state.clip, at)), spot);
          else if (inside(from)) saying.click(from, !minus, spot);
        },
      };
    },
    lasso(from, minus) {
      const [path, spot] = [[[from.x, from.y]], saying.target()];
      return {
        move(at, event) {
          follow(path, event, at);
          return { path };
        },
        up() {
          if (path.length < 3) return;
          const stroke = { ...spot, points: path, add: !minus, closed: true };
          change({ stroke });
          saying.stroke(stroke);
        },
      };
    },
    brush: (from, minus) => paint(from, !minus),
    eraser: (from, minus) => paint(from, minus),
  };

  function paint(from, add) {
    change({ stroke: { ...saying.target(), points: [[from.x, from.y]], radius: state.radius, add } });
    return {
      move(at, event) {
        follow(state.stroke.points, event, at);
        change({ stroke: { ...state.stroke } });
        return {};
      },
      up: () => saying.stroke(state.stroke),
    };
  }

  /** All places that the pointer passed, not only where it is when a picture is drawn. */
  function follow(path, event, at) {
    const passed = event.getCoalescedEvents?.().map(place) ?? [];
    for (const { x, y } of passed.length ? passed : [at]) {
      const [lastX, lastY] = path.at(-1);
      if (Math.hypot(x - lastX, y - lastY) * state.viewport.scale >= CLOSE) path.push([x, y]);
    }
  }

  function down(event) {
    if (!state.shown || press) return;
    const at = place(event);
    const tool = event.button === 1 ? "hand" : state.tool;
    if (tool === "hand" || tool === "point" || inside(at)) canvas.setPointerCapture(event.pointerId);
    else return;
    if (tool !== "hand") session.stay(); // what is said belongs to the frame that is seen now
    const minus = event.button === 2 || event.altKey || event.ctrlKey;
    if (event.shiftKey && inside(at) && tool !== "hand") saying.choose(at);
    else press = { ...presses[tool](at, minus, event), by: event.pointerId };
  }

  function move(event) {
    if (!state.shown || (press && press.by !== event.pointerId)) return;
    const at = place(event);
    change({ pointer: { at, ...press?.move(at, event) } });
    clearTimeout(hovering);
    if (press || state.tool !== "point" || !inside(at) || state.speed || state.pending || state.clip.job) return;
    hovering = setTimeout(() => state.shown && session.hover(state.shown.frame, at), HOVER);
  }

  function up(event) {
    if (press?.by !== event.pointerId) return;
    const ended = press;
    press = null;
    if (!state.shown) return; // the clip was left meanwhile
    const at = place(event);
    change({ pointer: { at } });
    ended.up(at);
  }

  /** Give up what is being drawn. @returns {boolean} whether anything was */
  function cancel() {
    const was = press !== null || Boolean(state.pointer?.cross);
    if (press) change({ stroke: null });
    if (was) change({ pointer: null });
    press = null;
    return was;
  }

  /** @param {number} steps in, or below 0 out @param {number} [x] of the stage, else its middle */
  function zoom(steps, x, y) {
    look(zoomed(state.viewport, state.clip, state.room, steps, x, y));
    session.sharpen();
  }

  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", event => press?.by === event.pointerId && cancel());
  store.listen(["clip"], () => state.clip ?? (press = null)); // what was begun in a clip that was left ends nowhere
  canvas.addEventListener("pointerleave", () => {
    clearTimeout(hovering);
    if (!press) change({ pointer: null });
  });
  canvas.addEventListener("contextmenu", event => event.preventDefault());
  canvas.addEventListener(
    "wheel",
    event => {
      if (!state.clip) return;
      event.preventDefault();
      const { x, y } = onStage(event);
      zoom(-event.deltaY / (event.ctrlKey ? PINCH : NOTCH), x, y);
    },
    { passive: false },
  );
  const cross = mountCross(canvas, store, saying, {
    begin: (at, minus) => (press = presses[state.tool](at, minus)),
    move: at => press?.move(at, {}),
    /** @returns {boolean} whether something was being drawn */
    end() {
      const ended = press;
      press = null;
      ended?.up();
      return ended !== null;
    },
    cancel,
  });

  return { cancel, cross, zoom };
}
