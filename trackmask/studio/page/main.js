/** The page: makes its parts, and tells each what the server and the others say. */

import { mountBar } from "./bar.js";
import { mountClips } from "./clips.js";
import { makeExporting } from "./exporting.js";
import { mountGestures } from "./gestures.js";
import { showImport } from "./importing.js";
import { mountKeys } from "./keys.js";
import { mountObjects } from "./objects.js";
import { makePlayer } from "./player.js";
import { mountReview } from "./review.js";
import { mountLost, mountSays, sentences } from "./says.js";
import { Refused, get, listen } from "./server.js";
import { makeSession } from "./session.js";
import { shortcuts } from "./shortcuts.js";
import { mountStage } from "./stage.js";
import { makeStore } from "./store.js";
import { mountTheme } from "./theme.js";
import { mountTimeline } from "./timeline.js";
import { mountTools } from "./tools.js";
import { mountTracking } from "./tracking.js";
import { mountTransport } from "./transport.js";

const by = id => document.getElementById(id);
const KEPT = "trackmask-studio"; // what a browser remembers of how people like to work
const SETTLE = 150; // milliseconds on a frame until the address names it: browsers refuse to change it all the time
const LEFT = "trackmask-frame"; // the frame in which a clip was left: people go on there
const LIKED = ["style", "radius", "direction", "sound"];

const store = makeStore({
  view: "", // "clips" or "clip"
  clips: null, // as the server lists them
  single: false, // whether the studio was opened on one clip
  online: true,
  ended: false, // the studio said goodbye
  stranger: "", // why the server does not talk to this page

  clip: null, // the open clip's state, as the server has it
  times: null, // seconds of its frames, where they are not even
  series: new Map(), // by object: states and confidence of all frames
  plan: null, // what tracking would do
  work: null, // what the server works on, and for which clip, as it said last
  opening: "", // the clip that is on its way

  frame: 0, // the frame that is wanted
  shown: null, // the frame that is seen: its number, picture and labels, and whether it stands in for the wanted one
  room: { width: 1, height: 1 }, // of the stage, in CSS pixels
  viewport: { scale: 1, x: 0, y: 0, fits: true }, // and `of`: the clip that it was made for
  speed: 0, // of playing: 1 as the clip has it, below 0 backward
  follow: false, // whether tracking takes the shown frame along

  chosen: null, // the id of the object that is worked on; null: the next click makes a new one
  hidden: new Set(), // ids
  solo: null, // an id
  style: "fill", // how masks are shown
  tool: "point",
  radius: 10, // of the brush, in pixels of the clip
  direction: "all", // of tracking
  sound: true,

  pointer: null, // where it is over the stage, and what it draws
  stroke: null, // what is painted, until the server has it
  marks: [], // prompts on their way to the server
  pending: 0, // acts on their way
  ...JSON.parse(localStorage.getItem(KEPT) ?? "{}"),
});
const { state, change } = store;

const { say, hide } = mountSays();

/** Say what went wrong; where nobody answered, the banner says it already. */
function report(problem) {
  if (!(problem instanceof Refused)) console.error(problem);
  if (problem.status === 0) change({ online: false });
  else say(problem.message);
}

const session = makeSession(store, report, note => say(sentences([note]), { note: true }));
const player = makePlayer(store, session, by("audio"));
mountStage(by("picture"), store);
const gestures = mountGestures(by("picture"), store, session);
const timeline = mountTimeline(store, session);
const objects = mountObjects(store, session);
const tracking = mountTracking(store, session);
const review = mountReview(store, session);
const transport = mountTransport(store, session, player, gestures.zoom);
const tools = mountTools(store);
const exporting = makeExporting(store, session, say);
mountClips(store);
mountLost(store);
mountTheme(by("theme"), timeline.recolour);

const { undo, redo } = mountBar(store, session);
const exports = () => exporting.show().catch(report);
const imports = () => showImport(session).catch(report);
by("open-export").addEventListener("click", exports);
by("open-import").addEventListener("click", imports);

const keys = mountKeys(
  shortcuts({
    store,
    player,
    gestures,
    timeline,
    objects,
    tracking,
    review,
    transport,
    tools,
    undo,
    redo,
    save: () => session.act("save"),
    exports,
    imports,
    help: () => keys.help(),
  }),
  () => state.view === "clip" && state.clip !== null,
);
by("help").addEventListener("click", keys.help);

let told = "";
store.listen(["clip"], ({ clip }) => {
  const notes = sentences(clip?.notes ?? []);
  if (notes && notes !== told) say(notes, { note: true });
  told = notes;
});

// --- Views --------------------------------------------------------------------------------------

store.listen(["view", "single"], ({ view, single }) => {
  document.body.dataset.view = view;
  by("clips").hidden = view !== "clips";
  by("clip").hidden = view !== "clip";
  if (single) by("home").removeAttribute("href");
});

const attempt = async start => {
  try {
    await start();
  } catch (problem) {
    report(problem);
  }
};

/** The address names the clip and the frame, so that a reload comes back to it: #3fa9/12 */
async function route() {
  const [named, frame] = location.hash.slice(1).split("/");
  const id = named || (state.single ? state.clips[0].id : "");
  hide();
  if (!id) return showList();
  const wanted = Math.round(Number(frame ?? localStorage.getItem(`${LEFT} ${id}`))) || 0;
  return id === session.id ? session.go(wanted) : openClip(id, wanted);
}

function showList() {
  session.close();
  if (state.view) attempt(fetchClips); // they may have changed while a clip was shown
  change({ view: "clips" });
}

async function openClip(id, frame) {
  change({ opening: id });
  try {
    await session.open(id, frame);
  } catch (problem) {
    report(problem);
    if (session.id !== id || state.single) return;
    history.replaceState(null, "", "#"); // so that it can be tried again
    showList();
  } finally {
    if (state.opening === id) change({ opening: "" });
  }
}
addEventListener("hashchange", route);
let naming;
store.listen(["shown", "speed"], () => {
  clearTimeout(naming);
  if (!state.shown || state.speed) return;
  const [{ hash }, { id }, { frame }] = [location, session, state.shown];
  naming = setTimeout(() => {
    if (location.hash !== hash) return; // on the way to another clip, or to the list
    history.replaceState(null, "", `#${id}/${frame}`);
    localStorage.setItem(`${LEFT} ${id}`, frame);
  }, SETTLE);
});
store.listen(LIKED, () =>
  localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(LIKED.map(name => [name, state[name]])))),
);

async function fetchClips() {
  const { clips, single, notes } = await get("/api/clips");
  change({ clips, single, stranger: "" });
  by("clips-notes").textContent = sentences(notes);
}

// --- The server ---------------------------------------------------------------------------------

async function connected() {
  change({ online: true, ended: false, work: null });
  await attempt(async () => {
    await fetchClips();
    if (state.view === "clip") await session.reload();
    else if (!state.view) await route();
  });
}

listen({
  open: connected,
  lost: () => {
    change({ online: false });
    // A stranger is told so by every answer, and the events do not say why they ended.
    get("/api/clips").catch(problem => problem.status === 403 && change({ stranger: problem.message }));
  },
  state: session.adopt,
  masks: session.made,
  progress(what) {
    change({ work: what });
    session.progress(what);
    if (what.clip === session.id && what.job.kind === "export") exporting.progress(what.job);
  },
  done({ clip, kind, error }) {
    change({ work: null });
    if (clip !== session.id) return;
    attempt(async () => {
      await session.reload();
      const found = kind === "find" && !error ? session.showFound() : null;
      if (found !== null) say(`The main object is seen best in frame ${found}.`, { good: true });
      if (kind === "save" && !error) say(`All is saved in ${state.clip.folder}.`, { good: true });
    });
    const problem = error && sentences([error]);
    if (problem && !(kind === "export" && exporting.failed(problem))) say(problem);
  },
  exported: what => what.clip === session.id && exporting.exported(what),
  clips: () => state.view === "clips" && attempt(fetchClips),
  bye: () => change({ ended: true }),
});
