/** The keys: one table that the page obeys and the dialog behind '?' shows. */

import { make } from "./dom.js";
import { openDialog } from "./dialog.js";

/**
 * @typedef {object} Key
 * @property {string} does
 * @property {string[]} [keys] as KeyboardEvent.key has them, letters small; with "Ctrl+", "Alt+", "Shift+" before, in this
 *   order. None: only shown, the stage knows them
 * @property {(() => void) | (() => void)[]} [press] for all of the keys, or for each
 * @property {boolean} [anywhere] whether it is one in the list of clips as well
 * @property {string[]} [shown] what stands in the dialog, where it is not the keys
 */

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
const written = key =>
  key
    .split(/\+(?=.)/)
    .map(part => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");

/** "Ctrl+Shift+z" of an event; Cmd counts as Ctrl. Shift is not told apart where it only makes the character: ?, +. */
function pressed(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = event.key.length > 1 || key !== event.key.toUpperCase() || key === " ";
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${event.shiftKey && letter ? "Shift+" : ""}${key}`;
}

/**
 * @param {Record<string, Key[]>} table by the dialog's headings
 * @param {() => boolean} here whether the keys are those of what is shown
 * @returns {{help: () => void}}
 */
export function mountKeys(table, here) {
  const entries = Object.values(table)
    .flat()
    .flatMap(({ keys = [], press, anywhere }) => keys.map((key, k) => [key, { press: press[k] ?? press, anywhere }]));
  const all = new Map(entries);
  addEventListener("keydown", event => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (target.matches("input:not([type=range]), select, textarea")) return;
    const key = pressed(event);
    // A button that is in focus is pressed by these itself.
    if (target.matches("button, a") && (key === " " || key === "Enter")) return;
    const found = all.get(key);
    if (!found || !(found.anywhere || here())) return;
    event.preventDefault();
    found.press();
  });

  // Who pressed something with the mouse means the next key for the page, not for that button.
  for (const kind of ["click", "auxclick"]) {
    addEventListener(kind, event => {
      const { activeElement } = document;
      if (event.detail && activeElement.matches("main :is(button, input[type=range], [role=slider], canvas)"))
        activeElement.blur();
    });
  }

  function help() {
    const sections = Object.entries(table).map(([heading, keys]) =>
      make(
        "section",
        {},
        make("h3", {}, heading),
        ...keys.map(({ keys = [], does, shown }) =>
          make(
            "div",
            {},
            make("span", {}, does),
            make("span", {}, ...(shown ?? keys.map(written)).map(key => make("kbd", {}, key))),
          ),
        ),
      ),
    );
    openDialog("Keys and signs", make("div", {}, signs(), make("div", { className: "keys" }, ...sections)));
  }
  return { help };
}

/** What the timeline's signs mean. */
function signs() {
  const states = [
    ["tracked", "tracked"],
    ["uncertain", "uncertain"],
    ["lost", "lost: visible, not found"],
    ["absent", "absent: gone or hidden"],
  ];
  const marks = [
    ["line", "confidence, 0 to 1"],
    ["given", "what you said"],
    ["gone", "not here"],
    ["look", "to review"],
    ["old", "out of date"],
    ["cut", "cut"],
  ];
  const sign = ([kind, text]) => make("span", {}, make("i", { className: `sign ${kind}` }), text);
  return make(
    "p",
    { className: "signs" },
    ...states.map(([state, text]) => make("span", {}, make("i", { className: `dot ${state}` }), text)),
    ...marks.map(sign),
  );
}
