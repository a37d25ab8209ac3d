/** A dialog with a heading and a way out: the browser's own, which holds the focus and closes on Escape. */

import { icon, make } from "./dom.js";

/**
 * @param {string} title
 * @param {HTMLElement} body
 * @param {HTMLElement[]} [foot] buttons
 * @returns {HTMLDialogElement} it is gone once it is closed
 */
export function openDialog(title, body, foot = []) {
  const heading = make("h2", { id: "dialog-title" }, title);
  const close = make(
    "button",
    { className: "icon", "aria-label": "Close", title: "Close (Esc)", onclick: () => dialog.close() },
    icon("close"),
  );
  const dialog = make(
    "dialog",
    { "aria-labelledby": "dialog-title" },
    make("header", {}, heading, close),
    make("div", { className: "body" }, body),
    foot.length ? make("footer", {}, ...foot) : null,
  );
  // A press beside it closes it; one that began inside does not.
  dialog.addEventListener("pointerdown", event => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
