"""The report in use: its command, its clicks and keys in a browser, where there is one, and its advice."""

import re
import shlex
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
from browser import CHROMIUM, OPTIONS, needs_chromium
from click.testing import CliRunner
from media import read_number
from PIL import Image as Pillow
from report_samples import EVIL, SIZE, make, text_of
from waiting import PATIENCE

from trackmask.cli import main
from trackmask.cli.report import report
from trackmask.correct import correct
from trackmask.prompts import Prompt
from trackmask.report import write_report
from trackmask.result import open_result
from trackmask.runtime import open_runtime


def test_command(tmp_path, monkeypatch):
    folder = make(tmp_path)
    (tmp_path / "clip.mp4").rename(tmp_path / "moved.mp4")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(report, [folder.name])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder.name}/report.html: open it in a browser\n"
    assert "--video FILE" in result.stderr
    result = CliRunner().invoke(report, [folder.name, "--video", "moved.mp4", "-o", "page.html", "-q"])
    assert (result.exit_code, result.output) == (0, "")
    assert Path("page.html").exists()


# An open document in a frame holds the page's load event back, which is what --dump-dom waits for.
PROBE = (
    f"""<script>
const PATIENCE = {1000 * PATIENCE / 2};  // half of it for the browser itself
"""
    + """const log = [];
const hold = document.body.appendChild(document.createElement("iframe")).contentDocument;
hold.open();
const done = () => {
  document.title = log.join("|");
  hold.close();
};
setTimeout(done, PATIENCE);
addEventListener("error", event => log.push(event.message));
const plot = document.querySelectorAll(".plot")[1];
const steps = [
  () => document.querySelectorAll("[data-seek]")[2].click(),
  () => document.getElementById("back").click(),
  () => plot.dispatchEvent(new KeyboardEvent("keydown", {key: "Home"})),
  () => {
    const box = plot.getBoundingClientRect();
    plot.setPointerCapture = () => {};
    plot.dispatchEvent(new PointerEvent("pointerdown", {clientX: box.left + box.width * 0.5001}));
  },
  () => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true})),
  () => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", shiftKey: true, bubbles: true})),
  () => plot.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true})),
  done,
];
const next = () => steps.shift()();
film.addEventListener("seeked", () => {
  log.push(`${film.currentTime.toFixed(3)} ${where.textContent} ${plot.getAttribute("aria-valuenow")}`);
  next();
});
next();
</script>"""
)


@needs_chromium
def test_in_a_browser_clicks_and_keys_seek(tmp_path):
    folder = make(tmp_path, start=10, name=EVIL)
    write_report(folder)
    page = folder / "probe.html"
    page.write_text(text_of(folder) + PROBE, encoding="utf-8")
    command = [CHROMIUM, *OPTIONS, "--dump-dom", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=PATIENCE, check=True)
    step = 1001 / 30000
    expected = [
        f"{(place + 0.5) * step:.3f} frame {place + 10} · {(place + 10) * step:.2f} s {place + 10}"
        for place in (14, 13, 0, 15, 16, 6, 7)
    ]
    assert re.search("<title>(.*?)</title>", done.stdout).group(1) == "|".join(expected)
    assert re.search(r'<p class="note" id="broken" hidden', done.stdout)


def test_its_commands_put_a_frame_right_and_the_report_is_written_again(tmp_path, monkeypatch, tiny_weights):
    folder = make(tmp_path)
    write_report(folder)
    monkeypatch.chdir(tmp_path)
    before = text_of(folder)
    lines = [shlex.split(unescape(line)) for line in re.findall(r"<code>(.*?)</code>", before)]
    assert [line[:2] for line in lines[:2]] == [["trackmask", "frame"], ["trackmask", "correct"]]
    index = open_result(folder).review[0].frame

    assert CliRunner().invoke(main, lines[0][1:]).exit_code == 0
    painted = np.asarray(Pillow.open(lines[0][-1]))
    assert read_number(painted[-20:]) == index
    mask = np.zeros(SIZE, np.uint8)
    mask[30:50, 40 + index : 60 + index] = 255
    Pillow.fromarray(mask).save(lines[1][-1])
    done = CliRunner().invoke(main, [*lines[1][1:], "--weights", str(tiny_weights)])
    assert done.exit_code == 0, done.output
    after = text_of(folder)
    assert after.count('class="prompt"') == before.count('class="prompt"') + 1

    assert CliRunner().invoke(main, ["undo", folder.name]).exit_code == 0
    assert text_of(folder) == before


def test_no_report_is_made_where_none_was(tmp_path, tiny_weights):
    folder = make(tmp_path)
    correct(folder, [Prompt(2, 21, box=(61, 30, 20, 20))], open_runtime(tiny_weights, threads=1))
    assert not (folder / "report.html").exists()


def test_objects_have_their_names_and_the_id_that_commands_take(tmp_path):
    folder = make(tmp_path)
    write_report(folder)
    assert 'fox <small class="soft">object 1</small>' in text_of(folder)
