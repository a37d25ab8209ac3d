/** What people say of an object in the shown frame, as the server is asked to take it. Places are in the clip's pixels. */

import { isShown } from "./marks.js";

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function makeSaying(store, session) {
  const { state, change } = store;
  /** What people see is what they mean, even while another frame is on its way; and they see what they work on. */
  function target() {
    const { chosen, hidden, shown } = state;
    if (chosen !== null && !isShown(state, chosen))
      change({ solo: null, hidden: new Set([...hidden].filter(id => id !== chosen)) });
    return { object: chosen, frame: shown.frame };
  }

  return {
    target,

    /** @param {{x: number, y: number}} at @param {boolean} on the object, or beside it @param {object} [spot] as
     * `target` gave it when that was begun: another frame may have come meanwhile */
    click({ x, y }, on, spot = target()) {
      session.act("click", { ...spot, x, y, on }, { ...spot, [on ? "positive" : "negative"]: [[x, y]] });
    },

    /** @param {[number, number, number, number]} box x, y, width, height @param {object} [spot] as of a click */
    box(box, spot = target()) {
      if (box[2] < 1 || box[3] < 1) return;
      session.act("box", { ...spot, box }, { ...spot, box });
    },

    /** What was painted, or with `closed` drawn around; it is shown until the mask has it. */
    async stroke(stroke) {
      const { closed, radius, ...said } = stroke;
      await (closed ? session.act("polygon", said) : session.act("stroke", { ...said, radius }));
      if (state.stroke === stroke) change({ stroke: null });
    },

    /** The object under a place becomes the chosen one. */
    choose(at) {
      const id = objectAt(state, at);
      if (id) change({ chosen: id });
    },
  };
}

/** The object whose mask is seen at a place of the shown frame; undefined: there is none. @returns {number | undefined} */
export function objectAt(state, { x, y }) {
  const { ids, width } = state.shown.labels;
  const id = x >= 0 && x < width ? ids[Math.floor(y) * width + Math.floor(x)] : 0;
  return id && state.style !== "none" && isShown(state, id) ? id : undefined;
}

/** The box between two corners. @returns {[number, number, number, number]} */
export const boxBetween = (a, b) => [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.abs(a.x - b.x), Math.abs(a.y - b.y)];

/** The place nearest to one that is inside of the clip. */
export function inClip({ width, height }, { x, y }) {
  return { x: Math.min(Math.max(x, 0), width - 0.01), y: Math.min(Math.max(y, 0), height - 0.01) };
}
