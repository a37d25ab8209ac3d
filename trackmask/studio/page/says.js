/** What went wrong, what to know and what is done, said below the bar in a sentence; and the connection to the studio, lost
 * and mended. */

const STAYS = 12000; // milliseconds

/** What trackmask notes, as sentences; names stay as they are. @param {string[]} notes */
export const sentences = notes =>
  notes
    .map(note => (/^[a-z]+ /.test(note) ? note[0].toUpperCase() : note[0]) + note.slice(1).replace(/\.?$/, "."))
    .join(" ");

export function mountSays() {
  const [box, text, close] = ["says", "says-text", "says-close"].map(id => document.getElementById(id));
  let timer;
  const hide = () => (box.hidden = true);
  close.addEventListener("click", hide);
  return {
    /** @param {string} sentence */
    say(sentence, { good = false, note = false } = {}) {
      text.textContent = sentence;
      box.classList.toggle("good", good);
      box.classList.toggle("note", note);
      box.hidden = false;
      clearTimeout(timer);
      timer = setTimeout(hide, STAYS);
    },
    hide,
  };
}

const ENDED = "The studio has ended. Start it again and open its link; this page then goes on by itself.";
const LOST = "The studio does not answer. What you did is kept; this page goes on by itself once it is there again.";

/** @param {ReturnType<import("./store.js").makeStore>} store */
export function mountLost(store) {
  const banner = document.getElementById("lost");
  store.listen(["online", "ended", "stranger"], ({ online, ended, stranger }) => {
    banner.hidden = online && !stranger;
    banner.textContent = stranger || (ended ? ENDED : LOST);
  });
}
