/** The objects' rows: colour, name, state and confidence in the shown frame, and what can be done to an object. */

import { icon, iconButton, make, swatch } from "./dom.js";
import { STATES } from "./series.js";

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function mountObjects(store, session) {
  const { state, change } = store;
  const list = document.getElementById("object-list");
  let renaming = null; // the id of the object whose name is being edited

  const acts = {
    choose: id => change({ chosen: id }),
    fresh: () => change({ chosen: null, tool: "point" }),
    hide(id) {
      const hidden = new Set(state.hidden);
      if (!hidden.delete(id)) hidden.add(id);
      change({ hidden });
    },
    solo: id => change({ solo: state.solo === id ? null : id }),
    absent: id => session.act("absent", { object: id, frame: state.frame }),
    clear: id => session.act("clear", { object: id, frame: state.frame }),
    remove: id => session.act("delete", { object: id }),
    rename(id) {
      renaming = id;
      draw();
      const field = list.querySelector("input");
      field?.focus();
      field?.select();
    },
    /** The object above or below the chosen one. @param {number} by */
    next(by) {
      const ids = state.clip.objects.map(object => object.id);
      if (!ids.length) return;
      const at = ids.indexOf(state.chosen);
      change({ chosen: ids[at < 0 ? 0 : (at + by + ids.length) % ids.length] });
    },
  };

  function nameField({ id, name }) {
    const field = make("input", { className: "name", value: name, maxLength: 200, "aria-label": "Name of the object" });
    const close = keep => {
      if (renaming !== id) return;
      renaming = null;
      const wanted = field.value.trim();
      if (keep && wanted && wanted !== name) session.act("name", { object: id, name: wanted });
      draw();
    };
    field.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === "Escape") {
        close(event.key === "Enter");
        list.querySelector(`[data-id="${id}"] .choose`)?.focus();
      }
      event.stopPropagation();
    });
    field.addEventListener("blur", () => close(true));
    return field;
  }

  function row(object) {
    const { id, name, color } = object;
    const hidden = state.hidden.has(id),
      soloed = state.solo === id;
    const chosen = id === state.chosen;
    const title =
      renaming === id
        ? nameField(object)
        : make(
            "button",
            {
              className: "choose",
              title: name,
              "aria-pressed": chosen,
              onclick: () => acts.choose(id),
              ondblclick: () => acts.rename(id),
            },
            swatch(color),
            make("span", { className: "name" }, name),
          );
    const here = make("span", { className: "here" });
    const item = make(
      "li",
      { className: "object", "data-id": id },
      make(
        "div",
        { className: "line" },
        ...(renaming === id ? [swatch(color)] : []),
        title,
        here,
        iconButton(hidden ? "eye-off" : "eye", hidden ? `Show ${name} (H)` : `Hide ${name} (H)`, () => acts.hide(id), {
          "aria-pressed": hidden,
        }),
      ),
      chosen
        ? make(
            "div",
            { className: "acts" },
            make(
              "button",
              {
                className: "plain",
                title: "The object is not to be seen in this frame (X)",
                onclick: () => acts.absent(id),
              },
              "Not here",
            ),
            iconButton("solo", "Show this object alone (S)", () => acts.solo(id), { "aria-pressed": soloed }),
            iconButton("pencil", "Rename (F2)", () => acts.rename(id)),
            iconButton("clear", "Take back what was said of it in this frame", () => acts.clear(id), {
              disabled: !saidHere(id),
            }),
            iconButton("trash", "Delete the object", () => acts.remove(id)),
          )
        : null,
    );
    item.classList.toggle("chosen", chosen);
    item.classList.toggle("off", state.solo === null ? hidden : !soloed);
    return item;
  }

  const saidHere = id => state.clip.prompts.some(prompt => prompt.object === id && prompt.frame === state.frame);

  function draw() {
    if (!state.clip || (renaming !== null && list.querySelector("input"))) return;
    const focused = [
      list.contains(document.activeElement),
      document.activeElement.closest?.("[data-id]")?.dataset.id,
      document.activeElement.title,
    ];
    const rows = state.clip.objects.map(row);
    if (state.chosen === null) {
      const text = rows.length ? "New object: click on it" : "Click on an object in the frame, or drag a box around it";
      const ghost = make(
        "li",
        { className: "object chosen" },
        make("div", { className: "line" }, icon("plus"), make("span", { className: "soft" }, text)),
      );
      rows.push(ghost);
      if (rows.length === 1)
        rows.push(
          make(
            "li",
            {},
            make(
              "button",
              { className: "plain wide", onclick: () => session.act("auto", { frame: state.frame, count: 1 }) },
              "Find the main object",
            ),
          ),
        );
    }
    list.replaceChildren(...rows);
    if (focused[0]) refocus(focused);
    drawHere();
  }

  /** The row was drawn anew under the keyboard's focus. */
  function refocus([, id, title]) {
    const row = list.querySelector(`[data-id="${CSS.escape(id ?? "")}"]`);
    const same = [...(row?.querySelectorAll("button") ?? [])].find(button => button.title === title);
    (same ?? row?.querySelector("button") ?? list.querySelector("button"))?.focus();
  }

  /** State and confidence in the shown frame: often, so only the text. */
  function drawHere() {
    for (const item of list.querySelectorAll("[data-id]")) {
      const series = state.series.get(Number(item.dataset.id));
      const at = series?.states[state.frame] ?? 0;
      const text = at ? `${STATES[at]} ${series.confidence[state.frame].toFixed(2)}` : "";
      item
        .querySelector(".here")
        .replaceChildren(...(at ? [make("span", { className: `dot ${STATES[at]}` }), text] : []));
    }
    const clear = list.querySelector(".chosen button[title^='Take back']");
    if (clear) clear.disabled = !saidHere(state.chosen);
  }

  document.getElementById("new-object").addEventListener("click", acts.fresh);
  store.listen(["objectsDrawn", "chosen", "hidden", "solo"], draw);
  store.listen(["series", "frame"], () => state.clip && drawHere());
  // Most changes of the clip leave the rows as they are.
  store.listen(["clip"], () =>
    change({
      objectsDrawn:
        state.clip &&
        JSON.stringify([
          state.clip.clip,
          state.clip.objects,
          state.clip.prompts.map(prompt => [prompt.object, prompt.frame]),
        ]),
    }),
  );
  return acts;
}
