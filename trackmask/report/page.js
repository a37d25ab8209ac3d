"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const film = document.getElementById("film");
  const where = document.getElementById("where");
  const plots = [...document.querySelectorAll(".plot")];
  const rows = [...document.querySelectorAll(".review li[data-first]")];
  const last = data.count - 1;
  let at = 0; // the place shown: frames count from 0 here, whatever the first one's index is

  // The last entry of a rising list that is not above x.
  const floor = (list, x) => {
    let low = 0, high = list.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle] <= x) low = middle; else high = middle;
    }
    return low;
  };

  // Long films come with every n-th frame only: between those a straight line.
  const map = (x, from, to) => {
    const k = Math.min(floor(from, x), from.length - 2);
    if (k < 0) return to[0];
    return to[k] + (x - from[k]) * (to[k + 1] - to[k]) / (from[k + 1] - from[k]);
  };
  const timeOf = place => place > last ? data.end : map(place, data.places, data.times);
  const frameOf = place => Math.round(map(place, data.places, data.frames));

  const numbers = (object, place) => {
    const k = floor(data.buckets, place), state = object.state[k];
    if (state < 0) return "not prompted";
    const confidence = object.confidence[k].toFixed(2), area = object.area[k].toLocaleString("en");
    return `${data.states[state]} · confidence ${confidence} · ${area} px`;
  };

  const show = place => {
    at = Math.max(0, Math.min(last, Math.round(place)));
    const frame = frameOf(at), time = (data.start + timeOf(at)).toFixed(2);
    if (where) where.textContent = `frame ${frame} · ${time} s`;
    plots.forEach((plot, number) => {
      const text = numbers(data.objects[number], at), cursor = plot.querySelector(".cursor");
      plot.closest(".object").querySelector("output").textContent = `frame ${frame} · ${text}`;
      plot.setAttribute("aria-valuenow", frame);
      plot.setAttribute("aria-valuetext", `frame ${frame}, ${text}`);
      cursor.hidden = false;
      cursor.style.left = `${(at + 0.5) / data.count * 100}%`;
    });
    for (const row of rows) row.classList.toggle("now", row.dataset.first <= at && at <= row.dataset.last);
  };

  // Into the middle of the frame's time: at its very beginning players may still show the one before.
  const seek = place => {
    show(place);
    if (film) film.currentTime = (timeOf(at) + timeOf(at + 1)) / 2;
  };

  let timer;
  const follow = () => {
    if (!film.seeking) show(Math.floor(map(film.currentTime + 0.0005, data.times, data.places)));
    cancelAnimationFrame(timer);
    if (!film.paused) timer = requestAnimationFrame(follow);
  };

  if (film) {
    film.addEventListener("play", follow);
    film.addEventListener("seeked", follow);
    film.addEventListener("error", () => { document.getElementById("broken").hidden = false; });
    const step = by => { film.pause(); seek(at + by); };
    document.getElementById("back").addEventListener("click", () => step(-1));
    document.getElementById("on").addEventListener("click", () => step(1));
    document.addEventListener("click", event => {
      const button = event.target.closest("[data-play], [data-seek]");
      if (!button) return;
      const { play, seek: still } = button.dataset;
      film.pause();
      seek(Number(play ?? still));
      if (play !== undefined) film.play().catch(() => {}); // 'error' has told why
      film.scrollIntoView({ block: "nearest" });
    });
  }

  const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
  for (const plot of plots) {
    const point = event => {
      const box = plot.getBoundingClientRect();
      seek(Math.floor((event.clientX - box.left) / box.width * data.count));
    };
    plot.addEventListener("pointerdown", event => { plot.setPointerCapture(event.pointerId); point(event); });
    plot.addEventListener("pointermove", event => { if (plot.hasPointerCapture(event.pointerId)) point(event); });
    plot.addEventListener("keydown", event => {
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      seek(at + KEYS[event.key]);
    });
  }

  // Anywhere on the page, unless something else uses the key.
  addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    film?.pause();
    seek(at + by * (event.shiftKey ? 10 : 1));
  });

  // A click on a command chooses all of it, and copies it where the browser lets it.
  for (const code of document.querySelectorAll(".commands code")) {
    code.addEventListener("click", () => {
      getSelection().selectAllChildren(code);
      navigator.clipboard?.writeText(code.textContent).then(() => {
        code.classList.add("copied");
        setTimeout(() => code.classList.remove("copied"), 1500);
      }, () => {});
    });
  }

  // report.html#57 opens at frame 57.
  const link = () => {
    const frame = parseInt(location.hash.slice(1), 10);
    if (frame >= 0) seek(map(frame, data.frames, data.places));
  };
  addEventListener("hashchange", link);
  link();
})();
