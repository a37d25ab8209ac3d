/** Tracking: which way, what it will do, how far it is, and stop. */

import { mountChoice } from "./dom.js";
import { union } from "./ranges.js";
import { count, ranges, roughly } from "./times.js";

const SETTLE = 200; // milliseconds until the server is asked what tracking would do

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function mountTracking(store, session) {
  const { state, change } = store;
  const [button, plan, rate, bar] = ["track", "track-plan", "track-rate", "track-progress"].map(id =>
    document.getElementById(id),
  );
  let asking;

  const running = () => state.clip?.job ?? null;
  /** What the server is busy with for another clip. */
  const elsewhere = () => (state.work && state.work.clip !== state.clip?.clip ? state.work : null);
  const asked = () => ({ direction: state.direction, frame: state.frame, objects: null });

  const acts = {
    async start() {
      if (running() || button.disabled) return;
      change({ follow: true, speed: 0 });
      await session.act("track", asked());
    },
    stop: () => running() && session.stop(),
  };
  button.addEventListener("click", event => {
    if (event.detail > 1) return; // the second half of a double click would stop what the first one has started
    if (running()) acts.stop();
    else acts.start();
  });

  /** Ask what tracking would do, once things have settled. */
  function ask() {
    clearTimeout(asking);
    if (!state.clip || running()) return;
    asking = setTimeout(async () => {
      const of = state.clip?.revision;
      const found = await session.plan(asked());
      if (state.clip?.revision === of) change({ plan: found });
    }, SETTLE);
  }

  function draw() {
    const job = running();
    button.textContent = job ? "Stop" : label();
    button.title = job ? "Stop; what is made is kept (Esc)" : "Track (T)";
    button.classList.toggle("stop", Boolean(job));
    button.classList.toggle("primary", !job);
    button.disabled = !job && (!state.plan?.frames || Boolean(elsewhere()));
    bar.hidden = !job;
    if (job?.total) bar.value = job.done / job.total;
    else bar.removeAttribute("value"); // it is not known how much there is to do
    rate.textContent = job?.rate
      ? `${job.rate.toFixed(job.rate < 10 ? 1 : 0)} frames/s${job.left ? ` · ${roughly(job.left)} left` : ""}`
      : "";
    plan.setAttribute("aria-live", job ? "off" : "polite"); // a number that runs is not read out
    plan.textContent = job ? doing(job) : sentence();
  }

  function label() {
    const frames = state.plan?.frames;
    return frames ? `Track ${count(frames, "frame")}` : "Track";
  }

  function sentence() {
    const { clip, plan: known } = state;
    if (!clip || !known) return "";
    const other = elsewhere();
    if (other)
      return `Waits for ${state.clips?.find(({ id }) => id === other.clip)?.name ?? "another clip"}: ${doing(other.job)}.`;
    if (!clip.prompts.length) return "Show what to track first.";
    if (!known.frames) {
      // What was said last has put frames out of date, and what tracking would do is being asked; or they lie elsewhere.
      if (Object.values(clip.stale).some(list => list.length))
        return state.direction === "all" ? "" : "Nothing to track this way from here. All tracks the rest.";
      return `All is tracked and up to date. ${clip.review.length ? "Next: the places to review (N)." : "Next: export."}`;
    }
    const all = Object.entries(known.ranges);
    const again = all.some(([id, list]) =>
      list.some(([first, last]) => (clip.tracked[id] ?? []).some(([a, b]) => a <= last && first <= b)),
    );
    const time = known.seconds ? `, about ${roughly(known.seconds)}` : "";
    const whose = all.length === 1 ? "" : ` of ${count(all.length, "object")}`;
    return `Tracks ${ranges(union(all.map(([, list]) => list)))}${whose}${again ? " again" : ""}${time}.`;
  }

  const show = mountChoice(document.getElementById("direction"), direction => change({ direction }));
  store.listen(["direction"], () => {
    show(state.direction);
    ask();
  });
  store.listen(["clip"], ask);
  store.listen(["frame"], () => state.direction !== "all" && ask());
  store.listen(["clip", "plan", "work"], draw);
  return acts;
}

/** What a job does, and how far it is. */
export const doing = ({ what, done, total }) =>
  [what, total && `${Math.floor((100 * done) / total)} %`].filter(Boolean).join(", ");
