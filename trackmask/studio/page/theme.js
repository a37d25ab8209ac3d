/** Light, dark, or as the system has it. */

const NAMES = { system: "as the system has it", light: "light", dark: "dark" };
const KEY = "trackmask-theme";

/** @param {HTMLButtonElement} button goes on to the next of the three @param {() => void} changed */
export function mountTheme(button, changed) {
  const set = name => {
    document.documentElement.dataset.theme = name;
    button.title = `Colours: ${NAMES[name]}`;
    localStorage.setItem(KEY, name);
    changed();
  };
  button.addEventListener("click", () => {
    const names = Object.keys(NAMES);
    set(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  const kept = localStorage.getItem(KEY);
  set(kept in NAMES ? kept : "system");
}

/** What the style sheets' colours are at present, for canvases, which know no custom properties.
 * @template {string} Name @param {Name[]} names @returns {Record<Name, string>} */
export function colours(names) {
  const probe = document.body.appendChild(document.createElement("i"));
  const found = names.map(name => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}
