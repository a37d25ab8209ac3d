/** The list of clips, for a folder of them. */

import { make } from "./dom.js";
import { clock, count } from "./times.js";
import { doing } from "./tracking.js";

const STATES = {
  new: ["", "Not begun"],
  started: ["uncertain", "Begun"],
  tracked: ["tracked", "Tracked"],
  broken: ["lost", "Cannot be read"],
};

/** @param {ReturnType<import("./store.js").makeStore>} store */
export function mountClips(store) {
  const list = document.getElementById("clip-list");
  const cards = new Map(); // by what they show, so that pictures do not flicker where nothing has changed
  const cardOf = clip => {
    const key = JSON.stringify(clip);
    if (!cards.has(key)) cards.set(key, card(clip));
    return [key, cards.get(key)];
  };
  store.listen(["clips"], ({ clips }) => {
    if (!clips) return;
    const left = clips.reduce((sum, clip) => sum + clip.review, 0);
    document.getElementById("clips-count").textContent = clips.length
      ? `${count(clips.length, "clip")}${left ? ` · ${count(left, "place")} to review` : ""}`
      : "No clips here.";
    const kept = clips.map(cardOf);
    cards.clear();
    for (const [key, item] of kept) cards.set(key, item);
    list.replaceChildren(...cards.values());
  });
  store.listen(["work", "opening", "clips"], ({ work, opening }) => {
    for (const says of list.querySelectorAll(".work")) {
      const { clip } = says.dataset;
      says.textContent = clip === opening ? "opening …" : clip === work?.clip ? doing(work.job) : "";
      says.previousSibling.hidden = Boolean(says.textContent); // it is from before
    }
  });
}

function card({ id, name, width, height, frames, seconds, state, review, error, picture }) {
  const [dot, words] = STATES[state] ?? ["", state];
  const facts = [width && `${width} × ${height}`, frames && count(frames, "frame"), seconds && clock(seconds)];
  const tags = make("span", { className: "tags" }, make("span", {}, make("span", { className: `dot ${dot}` }), words));
  tags.append(make("span", { className: "work", "data-clip": id }));
  if (review) tags.append(make("span", {}, `${review} to review`));
  const says = make("span", { className: "soft" }, error ?? facts.filter(Boolean).join(" · "));
  const text = make("span", { className: "text" }, make("b", { title: name, dir: "auto" }, name), says, tags);
  const href = `#${encodeURIComponent(id)}`;
  return make("li", {}, make("a", { className: "card", href }, error ? noImage() : thumbnail(id, picture), text));
}

const noImage = () => make("div", { className: "no-image" });

function thumbnail(id, picture) {
  const src = `/api/clips/${encodeURIComponent(id)}/thumbnail?v=${picture}`;
  const image = make("img", { src, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(noImage()));
  return image;
}
