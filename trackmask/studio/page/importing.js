/** The import dialog: masks that were corrected in another tool come back as corrections. */

import { openDialog } from "./dialog.js";
import { make } from "./dom.js";
import { get } from "./server.js";
import { count } from "./times.js";

const WHAT =
  "Masks that differ from those here become corrections: bring them in before you track again. Undo takes them back.";

/** @param {ReturnType<import("./session.js").makeSession>} session */
export async function showImport(session) {
  const formats = (await get("/api/formats")).import;
  const format = make("select", {}, ...formats.map(({ name }) => make("option", { value: name }, name)));
  const file = make("input", { type: "file" });
  const absent = make("input", { type: "checkbox" });
  const says = make("p", { className: "problem", role: "status" });
  const what = make("p", { className: "soft" });
  const suit = () => {
    const chosen = formats.find(({ name }) => name === format.value);
    file.accept = chosen.suffixes.join(",");
    const alone = chosen.suffixes.length > 1; // whether one of its files is enough
    what.textContent = `Takes ${chosen.what}: ${alone ? "one file, or " : ""}the folder as a ZIP.`;
  };
  format.addEventListener("change", suit);
  suit();
  // The ending of a file says which format it is, where only one has it.
  file.addEventListener("change", () => {
    const fits = formats.filter(({ suffixes }) =>
      suffixes.some(suffix => file.files[0]?.name.toLowerCase().endsWith(suffix)),
    );
    if (fits.length === 1) format.value = fits[0].name;
    suit();
    load.disabled = !file.files.length;
  });
  const load = make("button", { className: "plain primary", disabled: true }, "Import");
  load.addEventListener("click", async () => {
    load.disabled = true;
    says.textContent = "";
    try {
      const brought = await session.import(format.value, absent.checked, file.files[0]);
      says.className = "soft";
      says.textContent = brought
        ? `${count(brought, "correction")} came in.`
        : "No mask there differs from those here.";
    } catch (problem) {
      says.className = "problem";
      says.textContent = problem.message;
      load.disabled = false;
    }
  });
  const body = make(
    "div",
    { className: "options importing" },
    make("p", { className: "soft" }, WHAT),
    make("label", {}, "Format", format),
    what,
    make("label", {}, "File", file),
    make("label", {}, "Not in the file", make("span", { className: "row" }, absent, "is not here: gone or hidden")),
  );
  openDialog("Import edits", body, [says, load]);
  file.focus();
}
