/** One clip that is open: what the server knows of it, and what people do to it. */

import { withFrame, withoutFrame } from "./ranges.js";
import { emptySeries, extend, fetchSeries } from "./series.js";
import { clipAt } from "./server.js";
import { makeShowing } from "./showing.js";
import { floor } from "./times.js";

const SETTLE = 120; // milliseconds until the timelines are fetched anew, so that a row of clicks fetches them once
const FINDS = ["click", "box"]; // acts from which a mask is expected
const NOTHING = "no mask of it was found here; draw a box closely around it, or paint it";
const LOST = "what you did last may not have arrived: look, once the studio answers again";
const CLOSED = {
  clip: null,
  times: null,
  series: new Map(),
  plan: null,
  frame: 0,
  shown: null,
  speed: 0,
  chosen: null,
};

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {(problem: Error) => void} report
 * @param {(sentence: string) => void} note
 */
export function makeSession(store, report, note) {
  const { state, change } = store;
  const showing = makeShowing(store, report);
  /** @type {ReturnType<typeof clipAt> | null} */
  let server = null;
  let settling;
  let pointed = { id: null }; // the new object that people point at: the first of their clicks makes it
  let acts = Promise.resolve(); // one after the other, so that clicks arrive as they were made

  /** What is known of each frame; where they are not even, the times too, which come once a clip is counted. */
  async function refreshSeries() {
    const at = server;
    try {
      const { objects, frames, times } = state.clip;
      const ids = objects.map(object => object.id);
      const [known, ...found] = await Promise.all([
        times ? (state.times ?? at.times()) : null,
        ...ids.map(id => fetchSeries(at, id, frames)),
      ]);
      if (at === server) change({ times: known, series: new Map(ids.map((id, k) => [id, found[k]])) });
    } catch (problem) {
      const gone = problem.status === 404; // an object was undone meanwhile: the state that says so comes next
      if (at === server && !gone) report(problem);
    }
  }

  /** The object to work on: the one before if it is still there; none while people point at a new one. */
  function chosenIn(clip) {
    const ids = clip.objects.map(object => object.id);
    const pointing = state.chosen === null && (pointed.isAsked || state.clip?.objects.length);
    return pointing || ids.includes(state.chosen) ? state.chosen : (ids[0] ?? null);
  }

  /** Take in a state of the clip, unless a newer one is here already: answers and events may overtake each other.
   * @param {boolean} [missed] whether masks may have changed that this page was not told of */
  function adopt(clip, missed = false) {
    if (!server || clip.clip !== server.id) return;
    const before = state.clip;
    if (before && clip.revision < before.revision) return;
    const chosen = chosenIn(clip);
    const solo = clip.objects.some(({ id }) => id === state.solo) ? state.solo : null;
    change({ clip, chosen, solo, frame: Math.min(state.frame, clip.frames - 1) });
    if (state.shown && state.shown.frame !== state.frame) showing.load();
    if (before?.revision === clip.revision && !missed) return;
    showing.outdate();
    showing.refresh();
    clearTimeout(settling);
    settling = setTimeout(refreshSeries, before ? SETTLE : 0);
  }

  /** Whether the frame that is shown is that of an answer, and has no mask of its object. */
  const lacks = ({ frame, object }) => state.shown?.frame === frame && !state.shown.labels.ids.includes(object);

  /** Send one act, and take in what the server says of the clip then. */
  async function send(at, act, body, fresh) {
    // The first of a row of clicks on a new object has made it by the time the second one is sent.
    if (fresh && at === server && !state.clip?.objects.some(({ id }) => id === fresh.id)) fresh.id = null; // undone
    const answer = await at.act(act, fresh ? { ...body, object: fresh.id } : body);
    if (fresh && answer?.object) fresh.id = answer.object;
    if (at !== server) return null;
    if (answer?.clip) adopt(answer);
    if (answer?.note) note(answer.note);
    if (fresh === pointed && fresh.id && state.chosen === null) change({ chosen: fresh.id });
    await showing.refresh();
    if (FINDS.includes(act) && lacks(answer)) note(NOTHING);
    return answer;
  }

  const session = {
    adopt: clip => adopt(clip),
    get id() {
      return server?.id;
    },

    /** @param {string} id @param {number} frame */
    async open(id, frame = 0) {
      session.close();
      const at = (server = clipAt(id));
      showing.open(at);
      const clip = await at.state();
      if (at !== server) return;
      const series = new Map(clip.objects.map(object => [object.id, emptySeries(clip.frames)]));
      change({ view: "clip", series, frame: Math.min(Math.max(frame, 0), clip.frames - 1) });
      adopt(clip);
      // By the second picture of the screen the stage has its size: all frames are asked for as wide as it shows them.
      for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);
      if (at === server) showing.load();
    },

    close() {
      server = null;
      pointed = { id: null };
      showing.open(null);
      clearTimeout(settling);
      change({ ...CLOSED, hidden: new Set(), solo: null, marks: [], stroke: null, pointer: null });
    },

    /** Show a frame. @param {number} frame is put inside of the clip @param {boolean} along whether people drag along */
    go(frame, along = false) {
      if (!state.clip) return;
      showing.drag(along);
      frame = Math.min(Math.max(Math.round(frame), 0), state.clip.frames - 1);
      if (frame === state.frame && state.shown?.frame === frame) return;
      change({ frame });
      showing.load();
    },

    /** Stay in the frame that is seen, even if another one is on its way. */
    stay() {
      change({ speed: 0, follow: false });
      session.go(state.shown.frame);
    },

    /** The frame that people mean who say something of it as a whole: where one stands in, that; they stay there. */
    meant() {
      if (state.shown?.standsIn) session.stay();
      return state.frame;
    },

    /** The next click is for a new object, whatever clicks are under way. */
    pointAtNew() {
      pointed = { id: null, isAsked: true };
      change({ chosen: null });
    },

    sharpen: showing.sharpen,
    ready: showing.ready,
    ahead: showing.ahead,

    /** A frame's time in seconds; of the frame behind the last one: the end. */
    timeOf(frame) {
      const { times, clip } = state;
      if (!times) return frame / clip.fps;
      return frame < times.length ? times[frame] : times[times.length - 1] + 1 / clip.fps;
    },
    /** The frame that is shown at a time. @param {number} seconds */
    frameAt: seconds =>
      state.times ? floor(state.times, seconds + 1e-6) : Math.floor(seconds * state.clip.fps + 1e-3),

    /**
     * Ask the server to do something to the clip; what it says of the clip then is shown. Raises Refused.
     * @param {string} act @param {object} body `object: null` means a new one
     * @returns {Promise<any>} the answer; null where another clip was opened meanwhile
     */
    async ask(act, body = {}) {
      const [at, before, fresh] = [server, acts, body.object === null ? pointed : null];
      change({ pending: state.pending + 1 });
      const done = before.then(() => send(at, act, body, fresh));
      acts = done.catch(() => {});
      try {
        return await done;
      } finally {
        change({ pending: state.pending - 1 });
      }
    },

    /**
     * The same, where a refusal is said to people: the answer is null then.
     * @param {object} [mark] a prompt to show until the server has it
     */
    async act(act, body, mark = null) {
      if (mark) change({ marks: [...state.marks, mark] });
      try {
        return await session.ask(act, body);
      } catch (problem) {
        report(problem);
        if (problem.status === 0) note(LOST);
        return null;
      } finally {
        if (mark) change({ marks: state.marks.filter(other => other !== mark) });
      }
    },

    /** The masks of some frames were just made. */
    made({ clip, points }) {
      if (clip !== server?.id || !state.clip) return;
      showing.outdate(points.map(point => point.frame));
      extend(state.series, points);
      change({ series: new Map(state.series), clip: withMade(state.clip, points) });
      const last = points.at(-1)?.frame;
      if (state.follow && last !== undefined) session.go(last);
      showing.refresh();
    },

    progress({ clip, job }) {
      if (clip === server?.id && state.clip) change({ clip: { ...state.clip, job } });
    },

    /** What a file holds, as corrections. Raises Refused. @returns {Promise<number>} how many masks that were */
    async import(format, absent, file) {
      const answer = await server.import(format, absent, file);
      adopt(answer);
      return answer.brought;
    },

    /** Stop the work that is under way: at once, not behind other acts. */
    stop: () => server?.act("stop").catch(report),

    /** The pointer rests at a place: the server gets ready for a click there. Nobody needs to know if it cannot. */
    hover: (frame, { x, y }) => server?.act("hover", { frame, x, y }).catch(() => {}),

    /** What tracking would do. @returns {Promise<{frames: number, ranges: object, seconds: number | null} | null>} */
    plan: asked => server?.act("plan", asked).catch(() => null),

    soundOf: () => server?.sound ?? "",

    /** Go to where the main object was found, and work on it. @returns {number | null} that frame, where it is another */
    showFound() {
      const newest = state.clip?.objects.at(-1);
      const prompt = state.clip?.prompts.find(({ object }) => object === newest?.id);
      if (!prompt) return null;
      const other = prompt.frame !== state.frame;
      change({ chosen: newest.id });
      session.go(prompt.frame);
      return other ? prompt.frame : null;
    },

    async reload() {
      if (server) adopt(await server.state(), true);
    },
  };
  return session;
}

/** What the server says of the clip's frames when tracking is over, is known here as they are made. */
function withMade(clip, points) {
  const [tracked, stale] = [{ ...clip.tracked }, { ...clip.stale }];
  for (const { object, frame } of points) {
    tracked[object] = withFrame(tracked[object], frame);
    stale[object] = withoutFrame(stale[object], frame);
  }
  return { ...clip, tracked, stale };
}
