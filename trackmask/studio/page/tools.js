/** The tools beside the stage: what the pointer does, and how large the brush is. */

import { DRAWS } from "./cross.js";
import { mountChoice } from "./dom.js";
import { objectAt } from "./saying.js";

const HINTS = {
  point: "Click on the object · right click or Alt beside it · drag a box",
  brush: "Paint · Alt takes away · [ and ] change the size",
  eraser: "Take away · Alt paints · [ and ] change the size",
  lasso: "Draw around what to add · Alt takes it away",
  hand: "Drag the picture · the wheel zooms",
};
const HINT_NEW = "Click on the new object, or drag a box around it";
const HINT_CROSS = "Arrows move · Enter clicks · Alt Enter beside the object · R a box · Esc ends";
const HINT_DRAW = "Arrows move · Enter begins to draw, and ends it · Alt Enter the other way · Esc ends";
const TITLES = {
  point: "Click or box (V)",
  brush: "Brush (B)",
  eraser: "Eraser (E)",
  lasso: "Lasso (G)",
  hand: "Hand (Q)",
};
const LEAST = 0.5,
  MOST = 300; // of the brush: its radius in pixels of the clip

/** @param {ReturnType<import("./store.js").makeStore>} store */
export function mountTools(store) {
  const { state, change } = store;
  const [group, size, range, shown, hint, canvas] = [
    "tools",
    "size",
    "size-range",
    "size-shown",
    "hint",
    "picture",
  ].map(id => document.getElementById(id));
  for (const button of group.querySelectorAll("[data-tool]")) button.title = TITLES[button.dataset.tool];

  const grow = by => change({ radius: Math.min(MOST, Math.max(LEAST, state.radius * by)) });
  range.min = 0;
  range.max = 100;
  // Even steps are felt as even when each is a share of the size.
  const toRange = radius => (Math.log(radius / LEAST) / Math.log(MOST / LEAST)) * 100;
  range.addEventListener("input", () => change({ radius: LEAST * (MOST / LEAST) ** (range.value / 100) }));

  const show = mountChoice(group, tool => change({ tool }));
  store.listen(["tool", "radius"], () => {
    show(state.tool);
    size.hidden = state.tool !== "brush" && state.tool !== "eraser";
    range.value = toRange(state.radius);
    shown.textContent = `${(2 * state.radius).toFixed(state.radius < 5 ? 1 : 0)} px`;
    canvas.dataset.tool = state.tool;
  });
  // Tools that were used: what they do needs no hint any more.
  const known = new Set();
  function hintNow() {
    const { tool, clip, chosen, pointer, shown } = state;
    if (pointer?.cross) return DRAWS.includes(tool) ? HINT_DRAW : HINT_CROSS;
    const other = pointer?.at && shown && !pointer.box ? objectAt(state, pointer.at) : chosen;
    if (tool === "point" && other && other !== chosen)
      return `${clip.objects.find(({ id }) => id === other)?.name} · Shift click to work on it`;
    if (!known.has(tool)) return HINTS[tool];
    return tool === "point" && chosen === null ? HINT_NEW : "";
  }
  store.listen(["tool", "clip", "stroke", "marks", "chosen", "pointer", "shown", "hidden", "solo", "style"], () => {
    if (state.stroke || state.marks.length || (state.tool === "point" && state.clip?.prompts.length))
      known.add(state.tool);
    hint.textContent = hintNow();
  });
  return { grow };
}
