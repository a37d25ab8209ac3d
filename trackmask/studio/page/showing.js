/** The frame that is shown: its picture and masks are fetched, and put on the stage together. */

import { makePictures, widthFor } from "./pictures.js";
import { within } from "./ranges.js";

const REST = 150; // milliseconds on a frame after which the server makes itself ready for clicks there
const SCRUBBED = 1280; // pixels: a frame that is passed by is not fetched wider
const NOTHING = { ids: new Uint8Array(0), width: 0, height: 0 };

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {(problem: Error) => void} report
 */
export function makeShowing(store, report) {
  const { state, change } = store;
  let server = null;
  let pictures = null;
  let loading = null; // what is on its way, if anything: the newest frame wanted comes next
  let along = false; // whether people drag along: then a frame near the wanted one does until they rest
  let resting;

  /** The width to ask for, as large as the frame is on the screen. */
  function width(most) {
    const wide = state.clip.width * state.clip.aspect * state.viewport.scale * devicePixelRatio;
    return widthFor(wide, state.clip.width, most);
  }

  /** Whether there may be masks in a frame: where there are none nothing is fetched. */
  function anything(frame) {
    const { tracked, prompts } = state.clip;
    return (
      Object.values(tracked).some(ranges => within(ranges, frame)) || prompts.some(prompt => prompt.frame === frame)
    );
  }
  const masks = frame => (anything(frame) ? pictures.masks(frame) : NOTHING);

  /** What `work` does, unless another clip was opened meanwhile; what goes wrong is reported. */
  async function attempt(work) {
    const at = server;
    try {
      await work(() => at === server);
    } catch (problem) {
      if (at === server) report(problem);
    }
  }

  async function exactly(frame) {
    const [picture, labels] = await Promise.all([pictures.picture(frame, { width: width(SCRUBBED) }), masks(frame)]);
    // A sharper picture may have come while the masks were on their way, and this one be freed.
    return { frame, picture: pictures.ready(frame) ?? picture, labels };
  }

  /** That frame, or one that stands in for it. */
  async function near(wanted) {
    const { frame, bitmap } = await pictures.near(wanted, { width: width(SCRUBBED) });
    return { frame, picture: bitmap, labels: await masks(frame), standsIn: frame !== wanted };
  }

  /** Fetch and show the wanted frame; while it comes others may be wanted: only the newest of them is fetched then. Who
   * begins to drag along does not wait for a frame that takes long. */
  async function load() {
    if (!server || !state.clip || (loading && (loading.roughly || !along))) return;
    const mine = (loading = { roughly: along });
    const at = server;
    const { frame } = state;
    await attempt(async open => {
      const shown = await (mine.roughly ? near : exactly)(frame);
      const isLeft = shown.frame !== state.frame && state.shown?.frame === state.frame; // people went back meanwhile
      if (open() && loading === mine && !isLeft) change({ shown });
    });
    if (loading !== mine) return;
    loading = null;
    if (at !== server || state.frame !== frame || mine.roughly !== along) return load();
    refresh(); // they may have changed while they were on their way
    rest();
  }

  /** Fetch the masks of the shown frame anew, where they have changed. */
  const refresh = () =>
    attempt(async open => {
      const frame = state.shown?.frame;
      if (frame === undefined || frame !== state.frame) return;
      const came = await masks(frame);
      if (!open() || state.shown.frame !== frame) return;
      const labels = anything(frame) ? (pictures.masksReady(frame) ?? came) : NOTHING; // newer ones may have overtaken
      if (labels !== state.shown.labels) change({ shown: { ...state.shown, labels } });
    });

  /** The frame as sharp as the screen shows it, and the server ready for a click, once people stay at it. */
  function rest() {
    clearTimeout(resting);
    if (!state.clip || state.speed) return;
    const sharpen = async open => {
      const { frame } = state;
      const picture = await pictures.picture(frame, { width: width(), still: true });
      if (!open() || state.frame !== frame) return;
      if (state.shown?.frame === frame) change({ shown: { ...state.shown, picture } });
      else load(); // it is here now
    };
    resting = setTimeout(() => attempt(sharpen), REST);
  }

  return {
    /** @param {ReturnType<import("./server.js").clipAt> | null} of the clip whose frames are shown from now on */
    open(of) {
      server = of;
      along = false;
      pictures = of && makePictures(of, bitmap => bitmap === state.shown?.picture);
      clearTimeout(resting);
    },

    /** Show the frame that `state.frame` names. */
    load,

    /** @param {boolean} does whether people drag along from now on: then they see a frame near the wanted one where that
     * takes long, until they rest */
    drag(does) {
      along = does;
    },

    /** Fetch the picture again: it is shown larger now. */
    sharpen: rest,

    /** The masks of these frames have changed; without frames: those of all. @param {number[]} [frames] */
    outdate: frames => pictures.outdate(frames),

    refresh,

    /** Whether a frame can be shown at once. */
    ready: frame => Boolean(pictures?.ready(frame) && (!anything(frame) || pictures.masksReady(frame))),

    /** Fetch a frame before its time, for playing. */
    ahead: frame =>
      Promise.all([pictures.picture(frame, { width: width(SCRUBBED), ahead: true }), masks(frame)]).catch(() => {}),
  };
}
