"""The studio's page in a real browser, against the real server and network: what people do, and what they then see."""

import re
import shutil
import signal
from pathlib import Path

import browser
import cv2
import numpy as np
import pytest
from media import numbered_images, write_clip
from PIL import Image as Pillow
from studio_page import Desk, free_port, studio
from waiting import PATIENCE, until

from trackmask.result import open_result
from trackmask.video import open_video

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
FRAMES = 20
SIZE = (360, 480)
CAT, BESIDE = (90, 170), (250, 60)  # in the first frame
WINDOW = {"width": 1280, "height": 720}
REFUSED = ("status of 400", "status of 500")  # what the page says in a sentence, Chromium says as well
UNEVEN = (0.0, 0.04, 0.3, 0.34, 0.9, 1.0)  # seconds: a clip of variable frame rate
HEBREW = "\u05d7\u05ea\u05d5\u05dc"  # a cat, from right to left
EVIL = "<img src=x onerror=document.title='gone'>"

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytestmark = [browser.needs_chromium, pytest.mark.skipif(not (ROOT / "weights").is_dir(), reason="no weights")]


def truth(frame):
    return np.asarray(Pillow.open(SAMPLES / f"cat.truth/{frame:05d}.png")) > 0


def middle(frame):
    """A place well inside of the cat: (x, y)."""
    inside = cv2.distanceTransform(np.pad(truth(frame), 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    return int(x), int(y)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A folder of clips: a few copies of the cat, one for each test that changes it, and odd ones."""
    folder = tmp_path_factory.mktemp("clips")
    images = [frame.image for frame, _ in zip(open_video(SAMPLES / "cat.mp4"), range(FRAMES), strict=False)]
    first = write_clip(folder / "look.mp4", images, crf=10)
    for name in ("steps", "names", "out", "over", "two", "find", "quick"):
        shutil.copy(first, folder / f"{name}.mp4")
    write_clip(folder / "one.mp4", images[:1])
    (folder / "broken.mp4").write_bytes(b"no film")
    write_clip(folder / "portrait.mp4", numbered_images(30, (320, 180)), audio="aac")
    write_clip(folder / "wide.mp4", numbered_images(2, (720, 1280)))
    write_clip(folder / "uneven.mp4", numbered_images(len(UNEVEN)), times=UNEVEN)
    return folder


def is_problem(line):
    asked_for = any(status in line.text for status in REFUSED) or line.location["url"].endswith("/clips/nothing")
    return line.type == "error" and not asked_for


@pytest.fixture(scope="module")
def opened(clips, tmp_path_factory):
    """The studio of these clips, and the page that its link opened."""
    with (
        studio(clips, still=tmp_path_factory.mktemp("still") / "still") as running,
        browser.page() as empty,
        empty.context.browser.new_context(viewport=WINDOW) as context,
    ):
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(error))
        page.on("console", lambda line: problems.append(line.text) if is_problem(line) else None)
        page.goto(running.link)
        yield running, page
        assert problems == []  # nothing that the Content-Security-Policy forbids, nothing missing


@pytest.fixture
def at(opened):
    """at("look") opens that clip through the list."""
    running, page = opened

    def go(name, size=SIZE):
        page.goto(f"{running.address}/")
        page.click(f".card:has-text('{name}.mp4')")
        desk = Desk(page, size)
        desk.wait_shown()
        if desk.frame:
            desk.go(0)  # it was left in another frame
        page.mouse.move(5, 300)
        return desk

    return go


def test_link_and_list(opened):
    running, page = opened
    page.goto(f"{running.address}/")
    page.wait_for_selector(".card")
    assert page.locator(".card b").all_text_contents() == sorted(page.locator(".card b").all_text_contents())
    assert "token" not in page.url
    assert page.locator(".card").count() == 13
    until(lambda: page.evaluate("[...document.images].every(image => image.naturalWidth)"), "thumbnails")
    desk = Desk(page, SIZE)
    desk.wait_text(".card:has-text('broken.mp4')", "Cannot be read")
    page.click(".card:has-text('broken.mp4')")
    desk.wait_text("#says-text", "broken.mp4")  # why it cannot be opened
    page.click("#says-close")
    page.click(".card:has-text('broken.mp4')")  # once more
    until(lambda: page.locator("#says").is_visible(), "it is said again")
    page.click("#says-close")
    desk.press("?")
    assert page.locator("dialog kbd").count() > 40
    desk.press("Escape")
    page.goto(page.url + "nothing/12")
    desk.wait_text("#says-text", "no such clip")
    assert page.locator("#clip-list").is_visible()


def test_click_track_stop_correct_undo(opened, at):
    desk = at("steps")
    assert not desk.masked(*BESIDE)
    desk.click(*CAT)
    desk.wait_masked(CAT[0] + 20, CAT[1])
    assert not desk.masked(*BESIDE)
    desk.wait_text("#track", f"Track {FRAMES - 1} frames")

    with opened[0].standing_still():
        desk.press("t")
        desk.wait_text("#track", "Stop")
        desk.wait_text("#track-rate", "frames/s")
        desk.press("Escape")
        desk.wait_text("#track-plan", "Tracks frame")  # what is left of it
    desk.press("t")
    desk.wait_text("#track-plan", "All is tracked")
    for frame in (FRAMES // 2, FRAMES - 1):
        desk.go(frame)
        desk.wait_masked(*middle(frame))
    assert "tracked" in desk.page.text_content(".object .here")

    desk.go(10)
    desk.press("b")
    desk.drag((20, 20), (60, 20))
    desk.wait_masked(40, 20)
    desk.press("v")
    desk.wait_text("#track-plan", "Tracks frames 1–9, 11–19 again")
    desk.go(3)
    desk.press("Control+z")
    desk.wait_masked(40, 20, is_masked=False)
    desk.wait_frame(10)  # undone where it was done
    desk.wait_text("#track-plan", "All is tracked")
    desk.press("Control+Shift+z")
    desk.wait_masked(40, 20)
    desk.press("e")
    desk.drag((10, 20), (70, 20))
    desk.wait_masked(40, 20, is_masked=False)
    desk.press("v")


def test_while_dragging_a_frame_nearby_stands_in_and_is_the_one_that_people_click_in(at):
    desk = at("look")
    near, exact = re.compile(r"/frames/\d+\?near=1"), re.compile(r"/frames/[1-9]\d*\?(?!near)")
    desk.page.route(near, lambda way: way.continue_(url=re.sub(r"\d+\?", "0?", way.request.url)))
    desk.page.route(exact, lambda way: None)  # it takes long
    with desk.page.expect_request(exact):
        desk.press("End")
    area = desk.page.locator("#track-area").bounding_box()
    desk.page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 10)
    desk.page.mouse.down()
    desk.page.mouse.move(area["x"] + 0.8 * area["width"], area["y"] + 10, steps=4)
    wanted = desk.frame
    assert wanted > 0
    desk.wait_text("#nearby", f"Frame 0, until {wanted} is there")
    with desk.page.expect_request(exact):
        desk.page.mouse.up()
    with desk.page.expect_request(re.compile("/click$")) as asked:
        desk.click(*CAT)
    assert asked.value.post_data_json["frame"] == desk.shown == 0
    with desk.page.expect_response(exact):
        desk.page.unroute_all()  # and what was held goes on
    desk.wait_masked(CAT[0] + 20, CAT[1])
    assert desk.shown == desk.frame == 0  # who says something of a frame stays there
    assert not desk.page.locator("#nearby").is_visible()
    desk.page.route(exact, lambda way: None)
    desk.page.fill("#frame-field", "3")
    desk.page.press("#frame-field", "Enter")
    desk.wait_text("#nearby", "Frame 0, until 3 is there")
    desk.page.unroute_all()
    until(lambda: desk.shown == 3, "frame 3 itself")
    desk.page.route(exact, lambda way: None)
    desk.press("ArrowRight")
    desk.page.mouse.move(*desk.at(20, 119))
    desk.page.mouse.down()
    with desk.page.expect_response(exact):
        desk.page.unroute_all()  # the other frame comes while a box is drawn
    desk.page.mouse.move(*desk.at(158, 223), steps=4)
    with desk.page.expect_request(re.compile("/box$")) as asked:
        desk.page.mouse.up()
    assert asked.value.post_data_json["frame"] == desk.shown == desk.frame == 3
    for does in ("box", "click"):
        until(lambda does=does: does in desk.page.get_attribute("#undo", "title"), f"a {does} to undo")
        desk.press("Control+z")


def test_hands_faster_than_the_answers_and_a_clip_that_is_left_in_a_drag(at):
    desk = at("quick")
    said = []
    desk.page.on("request", lambda asked: said.append(asked.post_data_json) if asked.url.endswith("/click") else None)
    desk.click(*CAT)
    desk.page.wait_for_selector(".object.chosen[data-id='1']")
    desk.page.route(re.compile("/click$"), lambda way: None)  # it takes long
    for key, place in ("o", BESIDE), ("o", (300, 300)), ("1", (CAT[0] + 20, CAT[1])):
        desk.press(key)
        desk.click(*place)
    desk.page.unroute_all()
    until(lambda: "click" in desk.page.get_attribute("#undo", "title") and len(said) == 4, "four clicks")
    assert [click["object"] for click in said] == [None, None, None, 1]
    desk.page.wait_for_selector(".object.chosen[data-id='1']")
    for tool in ("v", "b", "g", "q"):
        desk.press(tool)
        desk.page.mouse.move(*desk.at(100, 100))
        desk.page.mouse.down()
        desk.page.mouse.move(*desk.at(120, 120), steps=3)
        desk.page.evaluate("location.hash = ''")
        desk.page.wait_for_selector(".card:has-text('quick.mp4')")
        desk.page.mouse.move(*desk.page.viewport_size.values(), steps=3)
        desk.page.mouse.up()
        desk.page.click(".card:has-text('quick.mp4')")
        desk.wait_shown()
    desk.press("v")
    with desk.page.expect_request(re.compile("/click$")):
        desk.click(*CAT)


def test_box_beside_lasso_absent(at):
    desk = at("look")
    desk.press("o")
    desk.click(*CAT, button="right")
    desk.wait_text("#says-text", "Click on the object first")
    desk.drag((20, 119), (158, 223))
    desk.wait_masked(*middle(0))
    x, y = middle(0)
    desk.press("o")
    desk.page.mouse.move(*desk.at(x, y))
    desk.wait_text("#hint", "object 1")  # whose mask this is, and how to go on with it
    desk.page.keyboard.down("Shift")
    desk.click(x, y)
    desk.page.keyboard.up("Shift")
    desk.page.wait_for_selector(".object.chosen[data-id='1']")
    whole = desk.page.text_content("#zoom-fit")
    desk.press("z")
    until(lambda: desk.page.text_content("#zoom-fit") != whole, "the object large")
    desk.press("0")
    desk.wait_text("#zoom-fit", whole)
    desk.click(x + 15, y + 15, button="right")
    until(lambda: "click" in desk.page.get_attribute("#undo", "title"), "a click to undo")
    desk.press("g")
    desk.drag((300, 300), (340, 300), (340, 340), (300, 340), (300, 300))
    desk.wait_masked(320, 320)
    desk.press("h")
    desk.wait_masked(320, 320, is_masked=False)
    desk.press("s")
    desk.wait_masked(320, 320)
    desk.press("h", "s")
    desk.wait_masked(320, 320)
    desk.press("h", "b")
    desk.drag((200, 320), (240, 320))  # who works on it sees it
    desk.wait_masked(220, 320)
    desk.wait_masked(320, 320)
    desk.press("v", "ArrowRight")
    desk.press("x")
    desk.wait_text(".object .here", "absent")
    desk.wait_frame(1)
    desk.page.wait_for_selector("[data-does=absent][aria-pressed=true]")
    desk.press("x")  # not so
    desk.page.wait_for_selector("[data-does=absent][aria-pressed=false]")
    until(lambda: "absent" not in desk.page.text_content(".object .here"), "it is not said any more")
    desk.press("ArrowLeft", "Delete")
    until(lambda: desk.shown == 0, "the picture of frame 0")
    desk.wait_masked(320, 320, is_masked=False)


def test_what_an_object_takes_of_another_one_is_said(at):
    desk = at("over")
    x, y = middle(0)
    desk.drag((20, 119), (158, 223))
    desk.wait_masked(x, y)
    desk.press("o", "b")
    desk.drag((x - 10, y), (x + 10, y))
    desk.wait_text("#says-text", "The mask of object 2 now covers a part of object 1")
    desk.press("v")


def test_masks_that_change_on_their_way_are_shown_as_they_are_now(opened):
    """As where somebody steps to a frame and deletes an object at once."""
    look = """async () => {
      const { makeShowing } = await import("/page/showing.js");
      const clip = { width: 2, height: 2, aspect: 1, tracked: { 1: [[0, 0]] }, prompts: [] };
      const state = { frame: 0, shown: null, speed: 1, clip, viewport: { scale: 1 } };
      const store = { state, change: fields => Object.assign(state, fields) };
      const asked = [];
      const server = {
        picture: () => createImageBitmap(new ImageData(2, 2)),
        masks: () => new Promise(go => asked.push(id => go({ ids: new Uint8Array(4).fill(id), width: 2, height: 2 }))),
      };
      const sees = async what => {
        for (let k = 0; k < 200 && !what(); k++) await new Promise(go => setTimeout(go, 10));
        return what();
      };
      const showing = makeShowing(store, problem => console.error(problem));
      showing.open(server);
      showing.load();
      showing.outdate();
      showing.refresh();
      asked[0](1);
      const seen = [await sees(() => state.shown?.labels.ids[0] === 1), await sees(() => asked.length === 2)];
      asked.at(-1)(2);
      return [...seen, await sees(() => state.shown.labels.ids[0] === 2)];
    }"""
    assert opened[1].evaluate(look) == [True, True, True]


def test_an_answer_that_comes_late_takes_back_nothing_and_a_click_that_finds_nothing_is_said(opened):
    """Late as where the page asks for the state anew, and a click is answered before that is."""
    look = """async () => {
      const { makeSession } = await import("/page/session.js");
      const { makeStore } = await import("/page/store.js");
      const clip = { clip: "c", width: 2, height: 2, aspect: 1, frames: 1, fps: 25, objects: [{ id: 1 }], tracked: {} };
      const at = (revision, prompts) => Response.json({ ...clip, revision, prompts, object: 1, frame: 0 });
      const canvas = new OffscreenCanvas(2, 2);
      canvas.getContext("2d").fillRect(0, 0, 2, 2);
      const picture = await canvas.convertToBlob();  // as masks: nothing
      const [real, asked, notes] = [window.fetch, [], []];
      let late;
      window.fetch = async (path, ...more) => {
        if (!`${path.split("?")[0]}/`.startsWith("/api/clips/c/")) return real(path, ...more);  // the page's own
        const what = path.replace("/api/clips/c", "").split("?")[0];
        asked.push(what);
        if (what === "/click") return at(2, [{ object: 1, frame: 0 }]);
        if (what === "/timeline") return Response.json({ first: 0, states: "", confidence: [] });
        if (what) return new Response(picture);
        return asked.filter(one => !one).length > 1 ? new Promise(go => (late = () => go(at(1, [])))) : at(1, []);
      };
      try {
        const view = { viewport: { scale: 1 }, frame: 0, shown: null, speed: 0, chosen: 1, marks: [], pending: 0 };
        const { state, ...store } = makeStore(view);
        const session = makeSession({ state, ...store }, problem => console.error(problem), note => notes.push(note));
        await session.open("c");
        while (!state.shown) await new Promise(requestAnimationFrame);
        const reloaded = session.reload();
        await session.act("click", { object: 1, frame: 0 });
        late();
        await reloaded;
        const { length } = state.clip.prompts;
        session.close();
        return [length, notes.map(note => note.includes("no mask"))];
      } finally {
        window.fetch = real;
      }
    }"""
    assert opened[1].evaluate(look) == [1, [True]]


def test_the_main_object_is_found(at):
    desk = at("find")
    desk.page.click("text=Find the main object")
    desk.page.wait_for_selector(".object.chosen[data-id='1']")
    desk.wait_text("#track", f"Track {FRAMES - 1} frames")
    until(lambda: desk.page.locator("[data-does=clear]").is_enabled(), "the frame in which it was found")


def test_frames(at):
    desk = at("portrait", (320, 180))
    page = desk.page
    desk.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft")
    desk.wait_frame(11)
    desk.press("End")
    desk.wait_frame(29)
    page.fill("#time-field", "0:00.44")
    page.press("#time-field", "Enter")
    desk.wait_frame(11)
    assert page.input_value("#time-field") == "0:00.440"
    page.fill("#frame-field", "many")
    page.press("#frame-field", "Enter")
    assert "number of a frame" in page.eval_on_selector("#frame-field:focus", "field => field.validationMessage")
    desk.press("Escape")
    desk.wait_frame(11)

    box = page.locator("#track-area").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    until(lambda: desk.shown == 0, "the first frame")
    seen = {}  # pictures, by frame
    for step in range(1, 11):
        page.mouse.move(box["x"] + box["width"] * step / 10 - 5, box["y"] + 5)
        until(lambda: desk.shown > max(seen, default=0), "the picture goes along")
        desk.wait_drawn()
        seen[desk.shown] = page.evaluate("document.getElementById('picture').toDataURL()")
    page.mouse.up()
    desk.wait_frame(29)
    assert len(set(seen.values())) == 10

    assert page.locator("#sound").is_visible()
    desk.press("Home", " ")
    until(lambda: desk.frame > 5, "playing")
    desk.press(" ")
    page.evaluate("""() => {
      const speed = document.getElementById("speed");
      window.speeds = [];  // of 30 frames playing is soon over
      new MutationObserver(() => speeds.push(speed.textContent)).observe(speed, { childList: true });
    }""")
    desk.press("End", "j", "j")
    until(lambda: "-2×" in page.evaluate("speeds"), "playing backward, twice as fast")
    until(lambda: desk.frame < 29, "a frame before the last one")
    desk.press("k")


def test_frames_are_asked_for_as_wide_as_they_are_shown_from_the_first_one_on(at):
    """The server makes pictures of all frames as wide as the first one was."""
    page = at("wide", (720, 1280)).page
    urls = "performance.getEntriesByType('resource').map(({ name }) => name.split('/frames/')[1]).filter(Boolean)"
    page.keyboard.press("ArrowRight")
    until(lambda: any(url.startswith("1?") and "still" in url for url in page.evaluate(urls)), "a rest in frame 1")
    assert {url.partition("?")[2].removesuffix("&still=1") for url in page.evaluate(urls)} == {"width=960"}


def test_the_times_of_a_variable_frame_rate(at):
    desk = at("uneven", (96, 128))
    desk.go(4)  # its times come once the clip is counted
    until(lambda: desk.page.input_value("#time-field") == "0:00.900", "the frame's own time")
    desk.page.fill("#time-field", "0.89")
    desk.page.press("#time-field", "Enter")
    desk.wait_frame(3)


def test_masks_are_seen_on_every_picture_at_every_zoom(opened):
    paint = """async ([zoom, chosen]) => {
      const { painted } = await import("/page/masks.js");
      const [width, height] = [6, 5];
      const labels = { ids: new Uint8Array(width * height), width, height };
      labels.ids[2 * width + 3] = 1;
      const view = { x: 0, y: 0, across: zoom, down: zoom, width: width * zoom, height: height * zoom };
      const how = { palette: Array(256).fill([64, 0, 0]), isShown: () => true, chosen, ratio: 1 };
      const { canvas, x, y } = painted(labels, "fill", view, how);
      const at = (u, v) => [...canvas.getContext("2d").getImageData(u - x, v - y, 1, 1).data];
      const [left, middle] = [3 * zoom, 2.5 * zoom];
      return [1, 2, 4].map(by => at(left - by, middle)[0]).concat([at(left, middle), at(left + zoom / 2, middle)]);
    }"""
    page = opened[1]
    for zoom in (10, 40):
        near, far, away, edge, inside = page.evaluate(paint, [zoom, 2])
        assert (near > 250, far, away) == (True, 0, 0)  # a light rim, one pixel of the screen wide
        assert edge == [64, 0, 0, 255]
        assert inside[3] == 127
        assert [light > 250 for light in page.evaluate(paint, [zoom, 1])[:3]] == [True, True, False]  # worked on


def test_the_work_on_another_clip_is_said(opened, at):
    desk = at("portrait", (320, 180))
    desk.click(90, 160)
    desk.wait_text("#track", "Track 29 frames")
    with opened[0].standing_still():
        desk.press("t")
        desk.wait_text("#track", "Stop")
        address = desk.page.url
        desk.page.click("#home")
        desk.wait_text(".card:has-text('portrait.mp4') .work", "tracking")
        other = at("find")
        other.click(*CAT)
        other.wait_text("#track-plan", "Waits for portrait.mp4")
        assert other.page.locator("#track").is_disabled()
        other.page.goto(address)
        desk.wait_text("#track", "Stop")
        desk.press("Escape")
        desk.wait_text("#track", "Track")
    at("find")
    other.press("Control+z")
    until(lambda: "click" in other.page.get_attribute("#redo", "title"), "the click undone")


def test_places_to_review_go_around(at):
    walk = """async () => {
      const { mountReview } = await import("/page/review.js");
      const review = [{ object: 1, frame: 5 }, { object: 1, frame: 2 }];  // worst first
      const state = { frame: 9, clip: { review } }, seen = [];
      const store = { state, change: () => {}, listen: () => {} };
      const { step } = mountReview(store, { go: frame => seen.push((state.frame = frame)) });
      [1, 1, 1, -1, -1].forEach(step);
      return seen;
    }"""
    assert at("look").page.evaluate(walk) == [2, 5, 2, 5, 2]


def test_which_frames_are_tracked_is_said_of_several_objects_too(at):
    ask = """async () => {
      const { mountTracking } = await import("/page/tracking.js");
      const clip = { prompts: [{}], review: [], stale: {}, tracked: { 1: [[0, 30]] } };
      const plan = { frames: 36, ranges: { 1: [[5, 9], [20, 21]], 2: [[1, 4], [8, 12]] }, seconds: 4 };
      const drawn = [], store = { state: { clip, plan }, listen: (_, draw) => drawn.push(draw) };
      mountTracking(store, {});
      drawn.at(-1)();
      return document.getElementById("track-plan").textContent;
    }"""
    assert at("look").page.evaluate(ask) == "Tracks frames 1–12, 20–21 of 2 objects again, about 4\u00a0s."


def test_a_place_to_review_names_the_frame_to_correct_where_it_lies_beside(at):
    look = """async () => {
      const { mountReview } = await import("/page/review.js");
      const place = { object: 1, first: 4, last: 6, reason: "lost", confidence: 0.2 };
      const review = [{ ...place, frame: 5 }, { ...place, frame: 9 }];
      const clip = { review, objects: [], prompts: [], stale: {} }, drawn = [];
      mountReview({ state: { frame: 9, chosen: 1, clip }, listen: (_, draw) => drawn.push(draw) }, {});
      drawn[0]();
      const rows = [...document.querySelectorAll("#review-list .place")];
      return rows.map(row => [row.querySelector(".soft").textContent, row.classList.contains("now")]);
    }"""
    assert at("look").page.evaluate(look) == [["lost · 0.20", False], ["lost · 0.20 · correct it in 9", True]]


def test_one_frame(at):
    desk = at("one")
    desk.press("End", "ArrowRight", "n", "p")
    desk.wait_frame(0)
    desk.click(*CAT)
    desk.wait_masked(CAT[0] + 20, CAT[1])
    desk.wait_text("#track-plan", "All is tracked")
    desk.page.click("#home")
    desk.wait_text(".card:has-text('one.mp4')", "Tracked")
    desk.page.go_back()
    until(lambda: desk.page.locator("#undo").is_enabled(), "the clip open again")
    desk.press("Control+z")
    until(lambda: desk.page.locator("#undo").is_disabled(), "the click undone")
    desk.page.click("#home")
    desk.wait_text(".card:has-text('one.mp4')", "Not begun")


def test_names_are_text_and_a_reload_comes_back(at):
    desk = at("names")
    desk.go(7)
    desk.click(*middle(7))
    desk.page.wait_for_selector(".object[data-id='1']")
    desk.press("F2")
    desk.page.keyboard.type(EVIL)
    desk.press("Enter")
    desk.wait_text(".object .name", EVIL)
    desk.page.reload()
    desk.wait_text(".object .name", EVIL)
    desk.wait_frame(7)
    desk.page.click("#home")
    desk.page.click(".card:has-text('names.mp4')")
    desk.wait_frame(7)
    x, y = middle(7)
    desk.wait_masked(x + 15, y)
    assert desk.page.title() == "names.mp4 · trackmask studio"
    desk.press("F2")
    desk.page.keyboard.type(HEBREW)
    desk.press("Enter")
    desk.wait_text(".object .name", HEBREW)
    assert desk.page.eval_on_selector(".object .name", "name => getComputedStyle(name).direction") == "rtl"


def test_two_tabs_see_the_same(at):
    desk = at("two")
    other = desk.page.context.new_page()
    other.goto(desk.page.url)
    other.wait_for_selector("#clip:not([hidden])")
    desk.page.bring_to_front()
    desk.click(*CAT)
    desk.wait_masked(CAT[0] + 20, CAT[1])
    other.bring_to_front()
    Desk(other, SIZE).wait_masked(CAT[0] + 20, CAT[1])
    other.keyboard.press("Control+z")
    desk.page.bring_to_front()
    desk.wait_masked(CAT[0] + 20, CAT[1], is_masked=False)
    other.close()


def without_coco(route):
    """The formats as they are where `trackmask[export]` is not installed."""
    about = route.fetch().json()
    for form in about["export"]:
        form["needs"] = "this needs a package" if form["name"] in ("coco", "yt-vis") else None
    route.fulfill(json=about)


def test_export_and_import(at, clips):
    desk = at("out")
    page = desk.page
    desk.click(*CAT)
    desk.wait_masked(CAT[0] + 20, CAT[1])
    page.dblclick("#track")  # as people do who are used to it
    desk.wait_text("#track-plan", "All is tracked")
    assert page.is_hidden("#says")
    page.route("**/api/formats", without_coco)
    page.click("#open-export")
    assert page.get_attribute("dialog [aria-checked=true]", "data-value") == "davis"  # what can be had
    page.click("dialog [data-value=coco]")
    assert page.text_content("dialog .options .problem") == "This needs a package."
    page.unroute("**/api/formats")
    page.click("dialog [data-value=labelme]")
    page.fill("dialog label:has-text('Frames a second') input", "many")
    page.click("dialog >> text=Into a folder")
    desk.wait_text("dialog footer", "is not a frame rate")
    page.fill("dialog label:has-text('Frames a second') input", "5")
    page.click("dialog >> text=Into a folder")
    desk.wait_text("dialog footer", "Written to")
    more = "dialog => { dialog.querySelector('footer p').textContent += ' and more'.repeat(30) }"
    wide = page.locator("dialog").bounding_box()["width"]
    page.eval_on_selector("dialog", more)
    assert page.locator("dialog").bounding_box()["width"] == wide  # whatever is said there
    desk.wait_idle()
    page.click("dialog [data-value=csv]")
    with page.expect_download() as download:
        page.click("dialog >> text=Download")
    assert download.value.path().stat().st_size > 100
    desk.press("Escape")
    until(lambda: page.locator("dialog").count() == 0, "the dialog closes")
    page.click("#open-export")
    page.click("dialog [data-value=mots]")
    page.evaluate("document.querySelector('dialog footer button').click(), document.querySelector('dialog').close()")
    desk.wait_text("#says-text", "Written to out.mp4.mots")  # whoever does not wait for it
    desk.wait_idle()
    desk.press("Control+s")
    desk.wait_text("#says-text", "All is saved in out.mp4.trackmask")
    assert len(list((clips / "out.mp4.labelme").rglob("*.json"))) == FRAMES // 5
    result = open_result(clips / "out.mp4.trackmask")
    assert len(list((result.folder / "masks").glob("*.png"))) == FRAMES
    page.click("#open-import")
    page.set_input_files(
        "dialog input[type=file]", files=[{"name": "x.json", "mimeType": "text/plain", "buffer": b"{"}]
    )
    page.select_option("dialog select", "coco")
    page.click("dialog footer >> text=Import")
    until(lambda: page.text_content("dialog .problem"), "why it cannot be imported")
    desk.press("Escape")


def test_without_a_mouse(at):
    desk = at("two")
    page = desk.page
    assert page.evaluate("document.activeElement === document.body")
    desk.press("Enter")
    desk.wait_text("#hint", "Enter clicks")
    desk.press("ArrowLeft", "Enter")
    page.wait_for_selector(".object[data-id]")
    desk.press("Escape", "ArrowRight")
    desk.wait_frame(1)
    for tool, is_masked in (("b", True), ("e", False)):
        page.focus("#picture")
        desk.press(tool, "Enter")  # the cross, in the middle
        desk.wait_text("#hint", "Enter begins to draw")
        desk.press("Enter", *["Shift+ArrowRight"] * 4, "Enter", "Escape")
        desk.wait_masked(SIZE[1] / 2 + 30, SIZE[0] / 2, is_masked=is_masked)
    desk.press("?")
    assert page.locator("dialog kbd").count() > 40
    desk.press("Escape")
    page.focus("#tools [aria-checked=true]")
    desk.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.tool") == "lasso"  # the one below the eraser
    desk.press("v")
    nameless = """
      [...document.querySelectorAll("button, input, select, #picture, [role=slider]")].filter(element =>
        ![element.textContent, element.ariaLabel, element.title, element.labels?.[0]?.textContent].some(name => name)
      ).map(element => element.outerHTML)"""
    assert page.evaluate(nameless) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_nothing_scrolls(at, scheme, size):
    desk = at("look")
    page = desk.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    desk.wait_drawn()
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == list(size)
    cut = """[...document.querySelectorAll(".bar *, .transport *, .track *")].filter(element => element.offsetParent &&
      element.getBoundingClientRect().right > innerWidth).length"""
    assert page.evaluate(cut) == 0
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(paper.split("(")[1].split(",")[0]) > 128) == (scheme == "light")
    page.set_viewport_size(WINDOW)
    page.emulate_media(color_scheme="light")


def test_light_or_dark_as_the_system_has_it_or_as_it_is_wanted(at):
    page = at("look").page
    seen = {}
    for system in ("light", "dark"):
        page.emulate_media(color_scheme=system)
        for wanted in ("light", "dark", "as the system has it"):
            page.click("#theme")
            assert page.get_attribute("#theme", "title") == f"Colours: {wanted}"
            paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
            seen[system, wanted] = "light" if int(paper.split("(")[1].split(",")[0]) > 128 else "dark"
    page.emulate_media(color_scheme="light")
    assert seen == {
        (system, wanted): wanted if wanted in ("light", "dark") else system
        for system in ("light", "dark")
        for wanted in ("light", "dark", "as the system has it")
    }
    sheets = page.evaluate("Promise.all([...document.styleSheets].map(async ({ href }) => (await fetch(href)).text()))")
    assert len(sheets) == 4
    assert "light-dark(" not in "".join(sheets)  # browsers of 2023 do not know it, and would show no colours at all


@pytest.mark.parametrize("width", [390, 820])
def test_nothing_is_cut_off_in_a_small_window(at, width):
    desk = at("look")
    page = desk.page
    page.set_viewport_size({"width": width, "height": 844})
    desk.wait_drawn()
    cut = f"""[...document.querySelectorAll("button, input")].filter(element => element.offsetParent &&
      element.getBoundingClientRect().right > {width}).map(element => element.outerHTML)"""
    assert page.evaluate(cut) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.keyboard.press("?")
    assert page.evaluate("document.querySelector('dialog .body').scrollWidth") <= width
    page.keyboard.press("Escape")
    page.set_viewport_size(WINDOW)


def test_a_long_clip_is_drawn_by_columns_of_the_screen(opened):
    """However many frames it has, so that each picture of the screen is in time."""
    _, page = opened
    draw = """async () => {
      const { COLOURS, drawLanes } = await import("/page/lanes.js");
      const frames = 20000;
      const states = new Uint8Array(frames).map((_, k) => 1 + (k % 4));
      const series = { states, confidence: new Float32Array(frames).fill(0.5) };
      const known = { series, stale: [[100, 9000]], tracked: [[0, frames - 1]], review: [], prompts: [] };
      const lanes = [1, 2, 3, 4, 5].map(id => ({ id, ...known }));
      const seen = { width: 1132, from: 0, to: frames, frames, lanes, cuts: [], chosen: 1 };
      const colours = Object.fromEntries(COLOURS.map(name => [name, "#888"]));
      let calls = 0;
      const call = (on, name) => (...given) => (calls++, on[name](...given));
      const context = new Proxy(new OffscreenCanvas(1132, 300).getContext("2d"), {
        get: (on, name) => (typeof on[name] === "function" ? call(on, name) : on[name]),
        set: (on, name, value) => ((on[name] = value), true),
      });
      drawLanes(context, { ...seen, colours });
      return calls;
    }"""
    assert 1000 < page.evaluate(draw) / 5 < 3 * 1132  # a lane


def test_marks_at_the_ends_of_the_timeline_are_whole(opened):
    draw = """async () => {
      const { COLOURS, drawLanes } = await import("/page/lanes.js");
      const [width, frames] = [300, 20000];
      const series = { states: new Uint8Array(frames), confidence: new Float32Array(frames) };
      const prompts = [0, frames - 1].map(frame => ({ frame, kind: "mask" }));
      const lanes = [{ id: 1, series, prompts, stale: [], tracked: [], review: [] }];
      const colours = { ...Object.fromEntries(COLOURS.map(name => [name, "#fff"])), ink: "#000" };
      const context = new OffscreenCanvas(width, 40).getContext("2d");
      drawLanes(context, { width, from: 0, to: frames, frames, lanes, cuts: [], chosen: null, colours });
      const { data } = context.getImageData(0, 8, width, 1);
      const dark = Array.from({ length: width }, (_, x) => data[4 * x + 3] > 128 && data[4 * x] < 128);
      return [dark.slice(0, 20), dark.slice(-20).reverse()].map(end => end.filter(Boolean).length);
    }"""
    left, right = opened[1].evaluate(draw)
    assert left == right >= 6


def test_killed_and_gone_on(opened, clips, tmp_path):
    clip = Path(shutil.copy(clips / "look.mp4", tmp_path / "clip.mp4"))
    with studio(clip, free_port()) as first, opened[1].context.browser.new_context(viewport=WINDOW) as context:
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.goto(first.link)
        desk = Desk(page, SIZE)
        desk.wait_shown()
        desk.click(*CAT)
        desk.wait_masked(CAT[0] + 20, CAT[1])
        desk.press("b")
        desk.drag((300, 300), (340, 300))
        desk.wait_masked(320, 300)
        first.end(signal.SIGKILL)
        desk.wait_text("#lost", "does not answer")
        desk.drag((300, 100), (340, 100))
        desk.wait_text("#says-text", "may not have arrived")
        with studio(clip, first.port) as second:
            desk.wait_text("#lost", "link")  # whoever has not the new link is a stranger
            link = context.new_page()
            link.goto(second.link)
            page.bring_to_front()
            until(lambda: page.locator("#lost").is_hidden(), "going on by itself")
            desk.wait_masked(320, 300)
            desk.wait_masked(CAT[0] + 20, CAT[1])
            desk.press("Control+z")
            desk.wait_masked(320, 300, is_masked=False)
        desk.wait_text("#lost", "has ended")
