/** One clip that is open: what the server knows of it, the frame that is shown, and what people do to it. */

import { makePictures, widthFor } from "./pictures.js";
import { withFrame, within, withoutFrame } from "./ranges.js";
import { emptySeries, extend, fetchSeries } from "./series.js";
import { clipAt } from "./server.js";
import { floor } from "./times.js";

const REST = 150; // milliseconds on a frame after which the server makes itself ready for clicks there
const SCRUBBED = 1280; // pixels: a frame that is passed by is not fetched wider
const SETTLE = 120; // milliseconds until the timelines are fetched anew, so that a row of clicks fetches them once

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {(problem: Error) => void} report
 */
export function makeSession(store, report) {
  const { state, change } = store;
  /** @type {ReturnType<typeof clipAt> | null} */
  let server = null;
  let pictures = null;
  let loading = false; // whether a frame is on its way: the newest one wanted comes next
  let resting, settling;
  let acts = Promise.resolve(); // one after the other, so that clicks arrive as they were made

  const wanted = () => {
    const wide = state.clip.width * state.clip.aspect * state.viewport.scale * devicePixelRatio;
    return width => widthFor(wide, state.clip.width, width);
  };
  const anything = frame => {
    const { tracked, prompts } = state.clip;
    return Object.values(tracked).some(ranges => within(ranges, frame)) || prompts.some(prompt => prompt.frame === frame);
  };
  const nothing = () => ({ ids: new Uint8Array(0), width: 0, height: 0 });
  const masks = frame => (anything(frame) ? pictures.masks(frame) : nothing());

  /** Fetch and show the wanted frame; while it comes, others may be wanted: only the newest of them is fetched then. */
  async function load() {
    if (loading || !server) return;
    loading = true;
    const [at, frame] = [server, state.frame];
    try {
      const [picture, labels] = await Promise.all([pictures.picture(frame, { width: wanted()(SCRUBBED) }), masks(frame)]);
      if (at === server) change({ shown: { frame, picture, labels } });
    } catch (problem) {
      if (at === server) report(problem);
    }
    loading = false;
    if (at === server && state.frame !== frame) load();
    else if (at === server) rest();
  }

  /** The frame as sharp as the screen shows it, and the server ready for a click, once people stay at it. */
  function rest() {
    clearTimeout(resting);
    if (state.speed) return;
    resting = setTimeout(async () => {
      const [at, frame] = [server, state.frame];
      try {
        const picture = await pictures.picture(frame, { width: wanted()(), still: true });
        if (at === server && state.shown?.frame === frame) change({ shown: { ...state.shown, picture } });
      } catch (problem) {
        if (at === server) report(problem);
      }
    }, REST);
  }

  /** Fetch the masks of the shown frame anew, where they have changed. */
  async function refresh() {
    const at = server, frame = state.shown?.frame;
    if (frame === undefined || frame !== state.frame) return;
    try {
      const labels = await masks(frame);
      if (at === server && state.shown.frame === frame && labels !== state.shown.labels) change({ shown: { ...state.shown, labels } });
    } catch (problem) {
      if (at === server) report(problem);
    }
  }

  async function refreshSeries() {
    const at = server;
    try {
      const ids = state.clip.objects.map(object => object.id);
      const found = await Promise.all(ids.map(id => fetchSeries(at, id, state.clip.frames)));
      if (at === server) change({ series: new Map(ids.map((id, k) => [id, found[k]])) });
    } catch (problem) {
      if (at === server) report(problem);
    }
  }

  /** Take in a state of the clip, unless a newer one is here already. A studio that was started anew counts its
   * revisions anew: what it says first is taken `anyway`. */
  function adopt(clip, anyway = false) {
    if (!server || clip.clip !== server.id) return;
    const before = state.clip;
    if (before && clip.revision < before.revision && !anyway) return;
    const ids = new Set(clip.objects.map(object => object.id));
    const chosen = ids.has(state.chosen) ? state.chosen : state.chosen === null && before ? null : clip.objects[0]?.id ?? null;
    change({ clip, chosen, frame: Math.min(state.frame, clip.frames - 1), solo: ids.has(state.solo) ? state.solo : null });
    if (before?.revision === clip.revision && !anyway) return;
    pictures.outdate();
    refresh();
    clearTimeout(settling);
    settling = setTimeout(refreshSeries, before ? SETTLE : 0);
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
      pictures = makePictures(server);
      const clip = await server.state();
      const times = clip.times ? await server.times() : null;
      if (at !== server) return;
      change({ view: "clip", times, frame: Math.min(Math.max(frame, 0), clip.frames - 1), series: new Map(clip.objects.map(({ id }) => [id, emptySeries(clip.frames)])) });
      adopt(clip);
      load();
    },

    close() {
      server = pictures = null;
      clearTimeout(resting);
      clearTimeout(settling);
      change({ clip: null, shown: null, chosen: null, series: new Map(), marks: [], speed: 0, hidden: new Set(), solo: null, times: null, frame: 0 });
    },

    /** Show a frame. @param {number} frame is put inside of the clip */
    go(frame) {
      if (!state.clip) return;
      frame = Math.min(Math.max(Math.round(frame), 0), state.clip.frames - 1);
      if (frame === state.frame && state.shown?.frame === frame) return;
      change({ frame });
      load();
    },

    /** Fetch the picture again: it is shown larger now. */
    sharpen: () => server && rest(),

    /** For playing: what is here of a frame, and what comes. */
    ready: frame => (pictures?.ready(frame) && (!anything(frame) || pictures.masksReady(frame)) ? frame : null),
    ahead: frame => Promise.all([pictures.picture(frame, { width: wanted()(SCRUBBED), ahead: true }), masks(frame)]).catch(() => {}),

    /** A frame's time in seconds; of the frame behind the last one: the end. */
    timeOf(frame) {
      const { times, clip } = state;
      if (!times) return frame / clip.fps;
      return frame < times.length ? times[frame] : times[times.length - 1] + 1 / clip.fps;
    },
    /** The frame that is shown at a time. @param {number} seconds */
    frameAt: seconds => (state.times ? floor(state.times, seconds + 1e-6) : Math.floor(seconds * state.clip.fps + 1e-3)),

    /**
     * Ask the server to do something to the clip; what it says of the clip then is shown.
     * @param {string} act @param {object} body
     * @param {object} [mark] a prompt to show until the server has it
     * @returns {Promise<any>} the answer; null where it was refused, which has been said
     */
    act(act, body = {}, mark = null) {
      const at = server;
      if (mark) change({ marks: [...state.marks, mark] });
      change({ pending: state.pending + 1 });
      const done = acts.then(async () => {
        try {
          // The first of a row of clicks on a new object has made it by the time the second one is sent.
          const fresh = body.object === null && state.chosen === null;
          const answer = await at.act(act, body.object === null ? { ...body, object: state.chosen } : body);
          if (at !== server) return null;
          if (answer?.clip) adopt(answer);
          if (fresh && answer?.object) change({ chosen: answer.object });
          await refresh();
          return answer;
        } catch (problem) {
          report(problem);
          return null;
        } finally {
          change({ pending: state.pending - 1, marks: state.marks.filter(other => other !== mark) });
        }
      });
      acts = done;
      return done;
    },

    /** The masks of some frames were just made. */
    made({ clip, points }) {
      if (clip !== server?.id || !state.clip) return;
      pictures.outdate(points.map(point => point.frame));
      extend(state.series, points);
      change({ series: new Map(state.series), clip: withMade(state.clip, points) });
      const last = points.at(-1)?.frame;
      if (state.follow && last !== undefined) session.go(last);
      refresh();
    },

    progress({ clip, job }) {
      if (clip === server?.id && state.clip) change({ clip: { ...state.clip, job } });
    },

    /** What a file holds, as corrections. */
    async import(format, absent, file) {
      adopt(await server.import(format, absent, file));
    },

    /** The pointer rests at a place: the server gets ready for a click there. Nobody needs to know if it cannot. */
    hover: (frame, { x, y }) => server?.act("hover", { frame, x, y }).catch(() => {}),

    /** What tracking would do. @returns {Promise<{frames: number, ranges: object, seconds: number | null} | null>} */
    plan: asked => server?.act("plan", asked).catch(() => null),

    soundOf: () => server?.sound ?? "",

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
