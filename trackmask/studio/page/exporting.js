/** The export dialog: a format, its options, and where it goes. */

import { openDialog } from "./dialog.js";
import { make, mountChoice } from "./dom.js";
import { get } from "./server.js";

const names = clip => [...new Set(clip.objects.map(({ name }) => name))];
const number = fields => make("input", { type: "number", ...fields });
const select = values =>
  make("select", {}, ...Object.entries(values).map(([value, text]) => make("option", { value }, text)));
const checks = rows =>
  make(
    "div",
    { className: "checks" },
    ...rows.map(([value, text, on]) =>
      make("label", {}, make("input", { type: "checkbox", value, checked: on }), text),
    ),
  );
const checked = box => [...box.querySelectorAll("input:checked")].map(({ value }) => value);

/** How each option is asked for: what stands before it, its field, and the value that the server takes. */
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
            make("span", { title: name }, name),
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
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function makeExporting(store, session) {
  const { state } = store;
  let open = null; // the dialog, with what it is told when the export ends

  async function show() {
    const formats = await get("/api/formats");
    const list = make(
      "ul",
      { role: "radiogroup", "aria-label": "Format" },
      ...formats.export.map(({ name, opens }) =>
        make(
          "li",
          {},
          make(
            "button",
            { role: "radio", "data-value": name, title: opens },
            make("b", {}, name),
            make("span", { className: "soft" }, opens),
          ),
        ),
      ),
    );
    const options = make("div", { className: "options" });
    const says = make("p", { className: "soft", role: "status" });
    const folder = make("button", { className: "plain", onclick: () => start("folder") }, "Into a folder");
    const download = make("button", { className: "plain primary", onclick: () => start("download") }, "Download");
    const bar = make("progress", { max: 1, value: 0, hidden: true });
    const dialog = openDialog(
      "Export",
      make("div", { className: "formats" }, list, make("div", { className: "options" }, options, bar)),
      [says, make("span", { className: "gap" }), folder, download],
    );
    dialog.addEventListener("close", () => (open = null));
    let format, fields;

    const mark = mountChoice(list, choose);
    function choose(name) {
      format = formats.export.find(form => form.name === name);
      fields = new Map();
      mark(name);
      options.replaceChildren(
        make("p", {}, make("b", {}, format.name), ` opens in ${format.opens}.`),
        ...Object.keys(OPTIONS)
          .filter(option => format.options.includes(option))
          .map(option => {
            const { label, field } = OPTIONS[option];
            const control = field({ clip: state.clip, formats });
            fields.set(option, control);
            return control.matches("div")
              ? make("fieldset", {}, make("legend", {}, label), control)
              : make("label", {}, label, control);
          }),
      );
      if (format.needs) options.append(make("p", { className: "problem" }, format.needs));
      busy(false);
    }

    function busy(is) {
      for (const button of [folder, download]) button.disabled = is || Boolean(format.needs);
      bar.hidden = !is;
      if (is) says.textContent = "";
    }

    async function start(to) {
      const asked = Object.fromEntries(
        [...fields].map(([option, control]) => [option, OPTIONS[option].value(control)]),
      );
      if (asked.objects && !asked.objects.length) return open.ended("Choose at least one object.", true);
      busy(true);
      try {
        await session.ask("export", { format: format.name, options: asked, to });
      } catch (problem) {
        open?.ended(problem.message, true);
      }
    }

    open = {
      progress: job => (bar.value = job.total ? job.done / job.total : 0),
      ended(sentence, problem) {
        busy(false);
        says.className = problem ? "problem" : "soft";
        says.textContent = sentence;
      },
    };
    choose(formats.export[0].name);
  }

  return {
    show,
    progress: job => open?.progress(job),

    /** @param {{folder: string | null, download: string | null, name: string, notes: string[]}} what */
    exported({ folder, download, name, notes }) {
      if (!open) return;
      if (download) make("a", { href: download, download: name }).click();
      open.ended([folder ? `Written to ${folder}.` : `Downloaded ${name}.`, ...notes].join(" "), false);
    },

    /** @returns {boolean} whether the dialog is there to say it */
    failed(sentence) {
      open?.ended(sentence, true);
      return open !== null;
    },
  };
}
