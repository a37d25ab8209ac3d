/** Elements, made in one line. Text is always text: names come from strangers. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} fields properties; `aria-…`, `role` and `data-…` become attributes
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, fields = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (/^(aria|data)-|^role$/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

/** One of the icons at the end of index.html. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A button that is a picture; its name is read out and shown where the pointer rests. */
export function iconButton(name, title, onclick, fields = {}) {
  return make("button", { className: "icon small", title, "aria-label": title, onclick, ...fields }, icon(name));
}

/** A small square in an object's colour. @param {string} colour */
export function swatch(colour) {
  const square = make("span", { className: "swatch", "aria-hidden": "true" });
  square.style.setProperty("--colour", colour);
  return square;
}

/**
 * A group of buttons of which one is chosen: one stop of the Tab key, the arrow keys choose.
 * @param {HTMLElement} group with role="radiogroup"
 * @param {(value: string) => void} chosen
 * @returns {(value: string) => void} shows which one is chosen
 */
export function mountChoice(group, chosen) {
  const buttons = () => [...group.querySelectorAll("[role=radio]")];
  const valueOf = button => button.dataset.value ?? button.dataset.tool;
  group.addEventListener("click", event => {
    const button = event.target.closest("[role=radio]");
    if (button && !button.disabled) chosen(valueOf(button));
  });
  group.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const all = buttons(),
      at = all.indexOf(event.target);
    if (!by || at < 0) return;
    const next = all[(at + by + all.length) % all.length];
    next.focus();
    chosen(valueOf(next));
    event.preventDefault();
    event.stopPropagation();
  });
  return value => {
    const all = buttons();
    const now = all.find(button => valueOf(button) === value);
    for (const button of all) {
      button.setAttribute("aria-checked", button === now);
      button.tabIndex = button === (now ?? all[0]) ? 0 : -1;
    }
  };
}
