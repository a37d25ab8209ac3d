/** The options of an export: how each is asked for, and the value that the server takes. */

import { make } from "./dom.js";

const names = clip => [...new Set(clip.objects.map(({ name }) => name))];
const number = fields => make("input", { type: "number", ...fields });
const select = values =>
  make("select", {}, ...Object.entries(values).map(([value, text]) => make("option", { value }, text)));
const checks = rows =>
  make(
    "div",
    { className: "checks" },
    ...rows.map(([value, text, on]) =>
      make(
        "label",
        { title: text },
        make("input", { type: "checkbox", value, checked: on }),
        make("span", { dir: "auto" }, text),
      ),
    ),
  );
const checked = box => [...box.querySelectorAll("input:checked")].map(({ value }) => value);

/** By their names at the server: what stands before the field, the field, and its value. */
const OPTIONS = {
  objects: {
    label: "Objects",
    field: ({ clip }) => checks(clip.objects.map(({ id, name }) => [id, name, true])),
    value: box => checked(box).map(Number),
  },
  states: {
    label: "States",
    field: ({ formats }) =>
      checks(formats.states.map(state => [state, state, state === "tracked" || state === "uncertain"])),
    value: checked,
  },
  every: {
    label: "Each N-th frame",
    field: () => number({ min: 1, step: 1, value: 1 }),
    value: field => Number(field.value),
  },
  fps: {
    label: "Frames a second",
    field: () => make("input", { placeholder: "all", size: 8 }),
    value: field => field.value.trim() || null,
  },
  min_area: {
    label: "Smallest mask, px",
    field: () => number({ min: 1, step: 1, value: 1 }),
    value: field => Number(field.value),
  },
  categories: {
    label: "Categories",
    field: ({ clip }) =>
      make(
        "div",
        { className: "names" },
        ...names(clip).map(name =>
          make(
            "label",
            {},
            make("span", { title: name, dir: "auto" }, name),
            make("input", { placeholder: name, "data-name": name }),
          ),
        ),
      ),
    value: box =>
      Object.fromEntries(
        [...box.querySelectorAll("input")]
          .filter(({ value }) => value.trim())
          .map(field => [field.dataset.name, field.value.trim()]),
      ),
  },
  images: {
    label: "Images",
    field: () => select({ copy: "copied", link: "linked", none: "none" }),
    value: field => field.value,
  },
  polygon: { label: "Polygons", field: () => make("input", { type: "checkbox" }), value: field => field.checked },
  tolerance: {
    label: "Polygon off by, px",
    field: () => number({ min: 0, max: 99, step: 0.1, value: 1 }),
    value: field => Number(field.value),
  },
  background: {
    label: "Background",
    field: () => make("input", { type: "color", value: "#000000" }),
    value: field => field.value,
  },
  blur: {
    label: "Blurred",
    field: () => select({ object: "the object", background: "the background" }),
    value: field => field.value,
  },
};

/**
 * @param {string[]} names the options that make sense for a format
 * @param {{clip: object, formats: object}} about what there is to choose from
 * @returns {{rows: HTMLElement[], values: () => Record<string, any>}}
 */
export function optionFields(names, about) {
  const fields = Object.entries(OPTIONS).filter(([name]) => names.includes(name));
  const controls = new Map(fields.map(([name, { field }]) => [name, field(about)]));
  const rows = fields.map(([name, { label }]) => {
    const control = controls.get(name);
    return control.matches("div")
      ? make("div", { role: "group", className: "many", "aria-label": label }, make("span", {}, label), control)
      : make("label", {}, label, control);
  });
  const values = () => Object.fromEntries(fields.map(([name, { value }]) => [name, value(controls.get(name))]));
  return { rows, values };
}
