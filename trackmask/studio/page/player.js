/** Playing: at the clip's own rate, forward or backward, slower or faster, with sound where it has some. */

const AHEAD = 14; // frames that are fetched before their time
const AT_ONCE = 4; // requests under way
const SPEEDS = [1, 2, 4, 8];
const HEARD = [1, 2]; // speeds at which sound still says something

/**
 * @param {ReturnType<import("./store.js").makeStore>} store
 * @param {ReturnType<import("./session.js").makeSession>} session
 * @param {HTMLAudioElement} audio
 */
export function makePlayer(store, session, audio) {
  const { state, change } = store;
  let started = { at: 0, time: 0 }; // when playing began, and where in the clip: seconds
  let coming = new Set();

  const sounding = () => state.clip.sound && state.sound && HEARD.includes(state.speed) && !audio.error;
  const now = () => {
    if (sounding() && !audio.paused) return audio.currentTime;
    return started.time + (performance.now() / 1000 - started.at) * state.speed;
  };

  function read(from, step) {
    for (let k = 0, frame = from; k < AHEAD && coming.size < AT_ONCE; k++, frame += step) {
      if (frame < 0 || frame >= state.clip.frames) return;
      if (coming.has(frame) || session.ready(frame)) continue;
      coming.add(frame);
      session.ahead(frame).finally(() => coming.delete(frame));
    }
  }

  function tick() {
    const { clip, speed } = state;
    if (!clip || !speed) return;
    const wanted = session.frameAt(now());
    const last = clip.frames - 1,
      step = speed > 0 ? Math.max(1, speed / 2) : Math.min(-1, speed / 2);
    const ended = speed > 0 ? wanted > last || (audio.ended && sounding()) : wanted < 0;
    const target = Math.min(Math.max(wanted, 0), last);
    // Of the frames that are here the one nearest to its time, never back.
    const way = Math.sign(speed);
    let best = target;
    while (way * (best - state.frame) > 0 && !session.ready(best)) best -= way;
    if (way * (best - state.frame) > 0) session.go(best);
    read(target, Math.round(step));
    if (ended) {
      session.go(target);
      return stop();
    }
    requestAnimationFrame(tick);
  }

  function play(speed) {
    if (!state.clip) return;
    if (speed > 0 && state.frame >= state.clip.frames - 1) session.go(0);
    const { frame } = state;
    const running = state.speed !== 0;
    change({ speed, follow: false });
    started = { at: performance.now() / 1000, time: (session.timeOf(frame) + session.timeOf(frame + 1)) / 2 };
    audio.pause();
    if (sounding()) {
      audio.playbackRate = speed;
      audio.currentTime = session.timeOf(frame);
      audio.play().catch(() => {}); // without sound then: the clock goes on
    }
    if (!running) requestAnimationFrame(tick);
  }

  function stop() {
    audio.pause();
    change({ speed: 0 });
    session.sharpen();
  }

  // Whoever sets the speed to 0 stops the sound as well.
  store.listen(["speed"], () => state.speed || (audio.pause(), session.sharpen()));
  store.listen(["clip"], () => {
    const source = state.clip?.sound ? session.soundOf() : "";
    if ((audio.getAttribute("src") ?? "") === source) return;
    if (source) audio.src = source;
    else audio.removeAttribute("src");
  });

  return {
    toggle: () => (state.speed ? stop() : play(1)),
    pause: stop,
    /** L: play, and faster with every press; with -1, J: the same backward. @param {1 | -1} way */
    shuttle(way) {
      const at = SPEEDS.indexOf(state.speed * way);
      play(way * SPEEDS[Math.min(at + 1, SPEEDS.length - 1)]);
    },
    /** @param {number} by frames */
    step(by) {
      stop();
      change({ follow: false });
      session.go(state.frame + by);
    },
    mute() {
      change({ sound: !state.sound });
      if (state.speed) play(state.speed);
    },
  };
}
