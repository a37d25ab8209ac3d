/** The list of objects: which one is worked on, its state in the shown frame, and what can be done to it. */

import { make, swatch } from "./dom.js";
import { nameField, newRow, objectRow } from "./rows.js";
import { STATES } from "./series.js";

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function mountObjects(store, session) {
  const { state, change } = store;
  const list = document.getElementById("object-list");
  const rowOf = id => list.querySelector(`[data-id="${id}"]`);
  const tools = document.getElementById("object-acts"); // what can be done to the chosen one
  const does = name => tools.querySelector(`[data-does="${name}"]`);
  let built = ""; // what the rows were made from
  /** What was said of an object in the shown frame. */
  const said = id => state.clip?.prompts.find(({ object, frame }) => object === id && frame === state.frame);
  const isGone = id => said(id)?.kind === "absent";

  const acts = {
    choose: id => change({ chosen: id }),
    fresh() {
      session.pointAtNew();
      change({ tool: "point" });
    },
    hide(id) {
      const hidden = new Set(state.hidden);
      if (!hidden.delete(id)) hidden.add(id);
      change({ hidden });
    },
    solo: id => change({ solo: state.solo === id ? null : id }),
    absent(id) {
      const frame = session.meant();
      session.act("absent", { object: id, frame, on: !isGone(id) });
    },
    clear: id => session.act("clear", { object: id, frame: session.meant() }),
    remove: id => session.act("delete", { object: id }),
    rename,
    /** The object at a place of the list, from 1 on. */
    pick: place => state.clip.objects[place - 1] && change({ chosen: state.clip.objects[place - 1].id }),
    /** The object above or below the chosen one. @param {number} by */
    next(by) {
      const ids = state.clip.objects.map(object => object.id);
      if (!ids.length) return;
      const at = ids.indexOf(state.chosen);
      change({ chosen: ids[at < 0 ? 0 : (at + by + ids.length) % ids.length] });
    },
  };

  function rename(id) {
    const { name, color } = state.clip.objects.find(object => object.id === id);
    const button = rowOf(id).querySelector(".choose");
    const field = nameField(name, wanted => {
      place.replaceWith(button);
      if (list.contains(document.activeElement) || document.activeElement === document.body) button.focus();
      if (wanted) session.act("name", { object: id, name: wanted });
      build();
    });
    const place = make("span", { className: "choose" }, swatch(color), field);
    button.replaceWith(place);
    field.focus();
    field.select();
  }

  /** Make the rows anew where the objects are others; not under a name that is being typed. */
  function build() {
    if (!state.clip || list.querySelector("input")) return;
    const now = JSON.stringify([state.clip.clip, state.clip.objects]);
    if (now !== built) {
      built = now;
      list.replaceChildren(...state.clip.objects.map(object => objectRow(object, acts)));
    }
    mark();
  }

  function mark() {
    const { clip, chosen, hidden, solo } = state;
    if (!clip) return;
    list.querySelector(".new")?.remove();
    const find = () => session.act("auto", { frame: session.meant(), count: 1 });
    if (chosen === null) list.append(newRow(!clip.objects.length, find));
    for (const { id } of clip.objects) {
      const row = rowOf(id);
      if (!row) continue; // a name is being typed
      row.classList.toggle("chosen", id === chosen);
      row.classList.toggle("off", solo === null ? hidden.has(id) : solo !== id);
      row.querySelector("button.choose")?.setAttribute("aria-pressed", id === chosen);
      row.querySelector(".icon").setAttribute("aria-pressed", hidden.has(id));
      row.querySelector("use").setAttribute("href", `#icon-${hidden.has(id) ? "eye-off" : "eye"}`);
    }
    rowOf(chosen)?.scrollIntoView({ block: "nearest" });
    for (const button of tools.querySelectorAll("button")) button.disabled = chosen === null;
    does("solo").setAttribute("aria-pressed", solo !== null && solo === chosen);
    markHere();
  }

  /** State and confidence in the shown frame. */
  function markHere() {
    const { clip, series, frame, chosen } = state;
    for (const { id } of clip?.objects ?? []) {
      const row = rowOf(id),
        known = series.get(id);
      if (!row) continue;
      const at = known?.states[frame] ?? 0;
      const words = at
        ? [make("span", { className: `dot ${STATES[at]}` }), `${STATES[at]} ${known.confidence[frame].toFixed(2)}`]
        : [];
      row.querySelector(".here").replaceChildren(...words);
    }
    does("clear").disabled = !said(chosen);
    does("absent").setAttribute("aria-pressed", isGone(chosen));
  }

  tools.addEventListener("click", event => {
    const button = event.target.closest("[data-does]");
    if (button) acts[button.dataset.does](state.chosen);
  });
  document.getElementById("new-object").addEventListener("click", acts.fresh);
  store.listen(["clip"], build);
  store.listen(["chosen", "hidden", "solo"], mark);
  store.listen(["series", "frame"], markHere);
  return acts;
}
