/** What went wrong, said below the bar in one sentence; and the connection to the studio, lost and mended. */

const STAYS = 12000; // milliseconds

export function mountSays() {
  const [box, text, close] = ["says", "says-text", "says-close"].map(id => document.getElementById(id));
  let timer;
  const hide = () => (box.hidden = true);
  close.addEventListener("click", hide);
  return {
    /** @param {string} sentence */
    say(sentence) {
      text.textContent = sentence;
      box.hidden = false;
      clearTimeout(timer);
      timer = setTimeout(hide, STAYS);
    },
    hide,
  };
}

/** @param {ReturnType<import("./store.js").makeStore>} store */
export function mountLost(store) {
  const banner = document.getElementById("lost");
  store.listen(["online", "ended", "stranger"], ({ online, ended, stranger }) => {
    banner.hidden = online && !stranger;
    banner.textContent =
      stranger ||
      (ended
        ? "The studio has ended. Start it again with trackmask studio; this page then goes on by itself."
        : "The studio does not answer. All that you did until now is kept; the page goes on by itself as soon as it is there again.");
  });
}
