/** The places to look at, worst first, and the way from one to the next. */

import { make, swatch } from "./dom.js";
import { within } from "./ranges.js";
import { ranges } from "./times.js";

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 */
export function mountReview(store, session) {
  const { state, change } = store;
  const list = document.getElementById("review-list");
  const total = document.getElementById("review-count");

  const visit = place => {
    change({ speed: 0, follow: false, chosen: place.object });
    session.go(place.frame);
  };

  /** The next place in the clip's own order, or with -1 the one before; from the last one to the first. */
  function step(by) {
    const places = [...(state.clip?.review ?? [])].sort((a, b) => a.frame - b.frame);
    const next =
      by > 0 ? places.find(place => place.frame > state.frame) : places.findLast(place => place.frame < state.frame);
    const around = places.at(by > 0 ? 0 : -1);
    if (next ?? around) visit(next ?? around);
  }

  function draw() {
    const { clip } = state;
    if (!clip) return;
    total.textContent = clip.review.length ? String(clip.review.length) : "";
    const rows = clip.review.map(place => {
      const object = clip.objects.find(({ id }) => id === place.object);
      const range = ranges([[place.first, place.last]]).replace("f", "F");
      const confidence =
        place.confidence === null || place.confidence === undefined ? "" : ` · ${place.confidence.toFixed(2)}`;
      // Where the object is seen more plainly beside the range than in it.
      const beside = within([[place.first, place.last]], place.frame) ? "" : ` · correct it in ${place.frame}`;
      return make(
        "li",
        {},
        make(
          "button",
          { className: "place", onclick: () => visit(place) },
          swatch(object?.color ?? "#808080"),
          make("b", {}, `${range} · `, make("bdi", {}, object?.name ?? "")),
          make("span", { className: "soft" }, place.reason + confidence + beside),
        ),
      );
    });
    const isTracked = clip.prompts.length && Object.values(clip.stale).every(stale => !stale.length);
    const nothing = isTracked ? "Nothing to look at." : "Once tracked: the places where the masks may be wrong.";
    list.replaceChildren(...(rows.length ? rows : [make("li", { className: "nothing" }, nothing)]));
    mark();
  }

  function mark() {
    const places = state.clip?.review ?? [];
    [...list.children].forEach((item, k) => {
      const place = places[k];
      if (place)
        item.firstChild.classList.toggle(
          "now",
          within([[place.first, place.last], [place.frame, place.frame]], state.frame) && place.object === state.chosen,
        );
    });
    for (const id of ["review-on", "review-back"])
      document.getElementById(id).disabled = !places.some(place => place.frame !== state.frame);
  }

  document.getElementById("review-on").addEventListener("click", () => step(1));
  document.getElementById("review-back").addEventListener("click", () => step(-1));
  store.listen(["clip"], draw);
  store.listen(["frame", "chosen"], mark);
  return { step };
}
