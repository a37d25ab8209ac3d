/** The export dialog: a format, its options, and where it goes. */

import { openDialog } from "./dialog.js";
import { make, mountChoice } from "./dom.js";
import { optionFields } from "./options.js";
import { sentences } from "./says.js";
import { get } from "./server.js";

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 * @param {(sentence: string, how: {good: boolean}) => void} say for what ends behind a dialog that was closed
 */
export function makeExporting(store, session, say) {
  const { state } = store;
  /** @type {ReturnType<typeof openExport> | null} */
  let open = null;
  let asked = false; // whether an export of this tab is under way: the others hear of it as well

  return {
    async show() {
      const formats = await get("/api/formats");
      const start = async (format, options, to) => {
        asked = true;
        await session.ask("export", { format, options, to });
      };
      open = openExport(formats, state.clip, start, () => (open = null));
    },

    /** @param {{done: number, total: number | null}} job */
    progress: job => open?.progress(job),

    /** @param {{folder: string | null, download: string | null, name: string, notes: string[]}} what */
    exported({ folder, download, name, notes }) {
      if (!asked) return;
      asked = false;
      if (download) make("a", { href: download, download: name }).click();
      const sentence = sentences([`${folder ? "Written to" : "Downloaded"} ${folder ?? name}`, ...notes]);
      if (open) open.ended(sentence);
      else say(sentence, { good: true });
    },

    /** @returns {boolean} whether the dialog is there to say it */
    failed(sentence) {
      asked = false;
      open?.ended(sentence, { wrong: true });
      return open !== null;
    },
  };
}

/**
 * @param {{export: {name: string, opens: string, needs: string | null, options: string[]}[]}} formats
 * @param {object} clip
 * @param {(format: string, options: object, to: "folder" | "download") => Promise<any>} start raises Refused
 * @param {() => void} closed
 */
function openExport(formats, clip, start, closed) {
  let format, fields;
  const list = formatList(formats.export);
  const options = make("div", { className: "options" });
  const isOld = Object.values(clip.stale).some(ranges => ranges.length);
  const old = isOld
    ? [make("p", { className: "soft" }, "Some frames are not tracked, or out of date: they go out as they are.")]
    : [];
  const bar = make("progress", { max: 1, value: 0, hidden: true });
  const says = make("p", { role: "status" });
  const beside = `Beside ${clip.folder}; what lies there stays`;
  const folder = make("button", { className: "plain", title: beside, onclick: () => send("folder") }, "Into a folder");
  const download = make("button", { className: "plain primary", onclick: () => send("download") }, "Download");

  const mark = mountChoice(list, choose);
  function choose(name) {
    mark(name);
    format = formats.export.find(form => form.name === name);
    fields = optionFields(format.options, { clip, formats });
    const opens = make("p", {}, make("b", {}, name), ` opens in ${format.opens}.`);
    const needs = format.needs ? [make("p", { className: "problem" }, sentences([format.needs]))] : [];
    options.replaceChildren(opens, ...old, ...fields.rows, ...needs);
    ended("");
  }

  function setBusy(busy) {
    for (const button of [folder, download]) button.disabled = busy || Boolean(format.needs);
    bar.hidden = !busy;
  }

  function ended(sentence, { wrong = false } = {}) {
    setBusy(false);
    says.className = wrong ? "problem" : "soft";
    says.textContent = sentence;
  }

  async function send(to) {
    const asked = fields.values();
    if (asked.objects?.length === 0) return ended("Choose at least one object.", { wrong: true });
    ended("");
    setBusy(true);
    try {
      await start(format.name, asked, to);
    } catch (problem) {
      ended(problem.message, { wrong: true });
    }
  }

  const body = make("div", { className: "formats" }, list, make("div", { className: "options" }, options, bar));
  const dialog = openDialog("Export", body, [says, folder, download]);
  dialog.addEventListener("close", closed);
  choose((formats.export.find(({ needs }) => !needs) ?? formats.export[0]).name);
  list.querySelector("[aria-checked=true]").focus();
  return { ended, progress: ({ done, total }) => (bar.value = total ? done / total : 0) };
}

function formatList(formats) {
  const rows = formats.map(({ name, opens }) => {
    const button = make("button", { role: "radio", "data-value": name, title: opens }, make("b", {}, name));
    button.append(make("span", { className: "soft" }, opens));
    return button;
  });
  return make("div", { className: "list", role: "radiogroup", "aria-label": "Format" }, ...rows);
}
