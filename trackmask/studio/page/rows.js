/** What one object's row is made of. */

import { icon, iconButton, make, swatch } from "./dom.js";

/**
 * @param {{id: number, name: string, color: string}} object
 * @param {Record<string, (id: number) => void>} acts
 */
export function objectRow({ id, name, color }, acts) {
  const here = make("span", { className: "here", id: `here-${id}` });
  const about = { title: name, "aria-describedby": here.id };
  const choose = make("button", { className: "choose", onclick: () => acts.choose(id), ...about }, swatch(color));
  choose.append(make("span", { className: "name", dir: "auto" }, name));
  choose.addEventListener("dblclick", () => acts.rename(id));
  const hide = iconButton("eye", "Hide or show (H)", () => acts.hide(id));
  return make("li", { className: "object", "data-id": id }, choose, here, hide);
}

/**
 * A field in place of an object's name. Enter and leaving keep what was typed, Escape does not.
 * @param {string} name @param {(name: string | null) => void} done null where the name stays
 */
export function nameField(name, done) {
  const field = make("input", {
    className: "name",
    value: name,
    dir: "auto",
    maxLength: 200,
    "aria-label": "Name of the object",
  });
  let open = true;
  const close = keep => {
    if (!open) return;
    open = false;
    const wanted = field.value.trim();
    done(keep && wanted && wanted !== name ? wanted : null);
  };
  field.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
    event.stopPropagation();
  });
  field.addEventListener("blur", () => close(true));
  return field;
}

/** The row of an object that is still to be shown. @param {boolean} first whether there are no others */
export function newRow(first, find) {
  const text = first ? "Click on an object, or drag a box" : "New object: click on it";
  const button = first ? make("button", { className: "plain wide", onclick: find }, "Find the main object") : null;
  const words = make("span", { className: "choose" }, icon("plus"), make("span", { className: "soft" }, text));
  return make("li", { className: "new" }, make("div", { className: "object chosen" }, words), button);
}
