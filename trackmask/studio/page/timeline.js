/** The timeline below the stage: where the clip stands, what is known of every frame, and a way to go there. */

import { make, swatch } from "./dom.js";
import { COLOURS, LANE, drawLanes } from "./lanes.js";
import { RULER, drawRuler } from "./ruler.js";
import { emptySeries } from "./series.js";
import { colours } from "./theme.js";
import { clock } from "./times.js";

const CLOSEST = 10; // frames: the fewest that the timeline shows
const STEP = 1.3; // of its zoom, a notch of the wheel

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 * @returns {{recolour: () => void, zoom: (steps: number) => void}}
 */
export function mountTimeline(store, session) {
  const { state, change } = store;
  const by = id => document.getElementById(id);
  const [area, names, playhead, pointed] = ["track-area", "lanes", "playhead", "pointed"].map(by);
  const [lanes, ruler] = ["lanes-canvas", "ruler-canvas"].map(id => by(id).getContext("2d"));
  let palette = colours(COLOURS);
  let seen = { from: 0, to: 1, of: "", frames: 0 }; // the frames that are seen, and of which clip
  let width = 0;

  const place = x => seen.from + (x / width) * (seen.to - seen.from);
  const inClip = frame => Math.min(Math.max(Math.floor(frame), 0), state.clip.frames - 1);

  /** What the timeline knows of each object. @returns {import("./lanes.js").Lane[]} */
  const known = clip =>
    clip.objects.map(({ id }) => ({
      id,
      series: state.series.get(id) ?? emptySeries(clip.frames),
      stale: clip.stale[id] ?? [],
      tracked: clip.tracked[id] ?? [],
      review: clip.review.filter(place => place.object === id),
      prompts: clip.prompts.filter(prompt => prompt.object === id),
    }));

  function draw() {
    const { clip, chosen } = state;
    if (!clip || !width) return;
    fit(lanes, width, clip.objects.length * LANE);
    fit(ruler, width, RULER);
    const { frames, cuts } = clip;
    drawLanes(lanes, { ...seen, width, frames, lanes: known(clip), cuts, chosen, colours: palette });
    move();
  }

  function move() {
    const { clip, frame } = state;
    if (!clip || !width) return;
    drawRuler(ruler, { ...seen, width, frames: clip.frames, frame, colours: palette });
    playhead.style.transform = `translateX(${((frame + 0.5 - seen.from) / (seen.to - seen.from)) * width}px)`;
    area.setAttribute("aria-valuemax", clip.frames - 1);
    area.setAttribute("aria-valuenow", frame);
    area.setAttribute("aria-valuetext", `frame ${frame}, ${clock(session.timeOf(frame))}`);
  }

  /** Show the frames from `from` on, `span` of them. */
  function show(from, span) {
    const { frames } = state.clip;
    const most = Math.min(Math.max(span, Math.min(CLOSEST, frames)), frames);
    const first = Math.min(Math.max(from, 0), frames - most);
    seen = { ...seen, from: first, to: first + most };
    draw();
  }

  function zoom(steps, at = state.frame + 0.5) {
    const span = seen.to - seen.from,
      wanted = span / STEP ** steps;
    show(at - ((at - seen.from) / span) * wanted, wanted);
  }

  new ResizeObserver(() => {
    width = area.clientWidth;
    draw();
  }).observe(area);

  const seek = event => {
    change({ speed: 0, follow: false });
    session.go(inClip(place(event.clientX - area.getBoundingClientRect().left)), event.type !== "pointerup");
  };
  area.addEventListener("pointerdown", event => {
    if (event.button || !state.clip) return;
    area.setPointerCapture(event.pointerId);
    const lane = state.clip.objects[Math.floor((event.clientY - area.getBoundingClientRect().top - RULER) / LANE)];
    if (lane && event.target !== ruler.canvas) change({ chosen: lane.id });
    seek(event);
  });
  area.addEventListener("pointermove", event => {
    if (!state.clip) return;
    if (area.hasPointerCapture(event.pointerId)) seek(event);
    const x = event.clientX - area.getBoundingClientRect().left,
      frame = inClip(place(x));
    pointed.textContent = `${frame.toLocaleString("en")} · ${clock(session.timeOf(frame))}`;
    pointed.style.left = `${Math.min(Math.max(x, 60), width - 60)}px`;
    pointed.style.top = `${area.parentElement.scrollTop + 1}px`;
    pointed.hidden = false;
  });
  area.addEventListener("pointerup", event => state.clip && area.hasPointerCapture(event.pointerId) && seek(event));
  area.addEventListener("pointerleave", () => (pointed.hidden = true));
  area.addEventListener(
    "wheel",
    event => {
      const panel = area.parentElement;
      const scrolls = panel.scrollHeight > panel.clientHeight && !event.ctrlKey && !event.shiftKey;
      if (!state.clip || scrolls) return;
      event.preventDefault();
      const x = event.clientX - area.getBoundingClientRect().left;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const span = seen.to - seen.from;
        show(seen.from + ((event.deltaX || event.deltaY) / width) * span, span);
      } else zoom(-event.deltaY / 100, place(x));
    },
    { passive: false },
  );

  store.listen(["clip", "series", "chosen"], (_, changed) => {
    if (!state.clip) return;
    const { clip: of, frames } = state.clip;
    if (seen.of !== of || seen.frames !== frames) seen = { from: 0, to: frames, of, frames };
    if (changed.has("clip") || changed.has("chosen")) nameLanes();
    draw();
  });
  store.listen(["frame"], () => {
    if (!state.clip) return;
    const span = seen.to - seen.from;
    if (state.frame < seen.from || state.frame >= seen.to) show(state.frame - span / 2, span);
    else move();
  });

  /** The names at the left: a press chooses the object. */
  function nameLanes() {
    const rows = state.clip.objects.map(({ id, name, color }) => {
      const row = make(
        "button",
        { className: "lane", title: name, onclick: () => change({ chosen: id }) },
        swatch(color),
        make("span", { dir: "auto" }, name),
      );
      row.tabIndex = -1; // the objects' list is the keyboard's way to choose
      row.classList.toggle("chosen", id === state.chosen);
      return row;
    });
    names.replaceChildren(...rows);
    names.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  }

  return {
    recolour() {
      palette = colours(COLOURS);
      draw();
    },
    zoom,
  };
}

/** Give a canvas a size in CSS pixels, and clear it. */
function fit(context, width, height) {
  const ratio = devicePixelRatio;
  Object.assign(context.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  context.canvas.style.height = `${height}px`;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}
