/** The bar at the top: which clip it is, undo and redo, and what is waited for. */

import { clock, count } from "./times.js";

const PATIENCE = 250; // milliseconds: an answer within them needs no sign that it is waited for

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 * @returns {{undo: () => void, redo: () => void}}
 */
export function mountBar(store, session) {
  const { state } = store;
  const by = id => document.getElementById(id);

  /** Undo or redo, and go to where it happened. */
  async function travel(act) {
    if (!state.clip[act] && !state.pending) return; // what is on its way can be taken back, too
    const answer = await session.act(act);
    if (answer?.frame !== null && answer?.frame !== undefined) session.go(answer.frame);
  }
  const [undo, redo] = [() => travel("undo"), () => travel("redo")];
  by("undo").addEventListener("click", undo);
  by("redo").addEventListener("click", redo);

  function describe({ clip }) {
    by("clip-name").textContent = by("clip-name").title = clip?.name ?? "";
    document.title = clip ? `${clip.name} · trackmask studio` : "trackmask studio";
    by("clip-facts").textContent = clip ? facts(clip) : "";
    by("saved").textContent = clip?.saved ? `Saved in ${clip.folder}` : "";
    for (const [act, name, key] of [
      ["undo", "Undo", "Ctrl+Z"],
      ["redo", "Redo", "Ctrl+Shift+Z"],
    ]) {
      const what = clip?.[act];
      by(act).disabled = !what;
      by(act).title = what ? `${name}: ${what} (${key})` : `${name} (${key})`;
    }
  }

  function facts(clip) {
    const rate = `${Number(clip.fps.toFixed(2))} frames/s`;
    return [
      `${clip.width} × ${clip.height}`,
      rate,
      count(clip.frames, "frame"),
      clock(session.timeOf(clip.frames)),
    ].join(" · ");
  }

  let waiting;
  function wait({ clip, pending }) {
    clearTimeout(waiting);
    const job = clip?.job;
    const words = job && job.kind !== "track" ? job.what : pending ? "working …" : "";
    by("busy").textContent = words;
    if (words) waiting = setTimeout(() => (by("busy").hidden = false), PATIENCE);
    else by("busy").hidden = true;
  }

  store.listen(["clip"], describe);
  store.listen(["pending", "clip"], wait);
  return { undo, redo };
}
