"""Tries what users get: wheel and sdist, built from this checkout, in environments of their own.

    python .ci/package.py

The wheel is installed with the newest of everything on the oldest and the newest Python that this machine has, and
with the lowest versions that pyproject.toml promises on the oldest one; each tracks the sample. mypy sees the types
of the installed wheel; tests run from the unpacked sdist. torch is in none of these environments.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST = int(PROJECT["requires-python"].removeprefix(">=3."))
NEWEST = 20  # no Python 3.x beyond it is looked for
BOX = "20,119,138,104"  # the cat in the first frame of samples/cat.mp4
LEAST = 0.9  # J&F against samples/cat.truth; 0.99 is usual
SDIST_TESTS = ("tests/test_extras.py", "tests/video/test_writer.py", "tests/prompts", "tests/test_metrics.py")
TYPED = """
from typing import assert_type
import trackmask
for frame in trackmask.track("clip.mp4", box=(1, 2, 3, 4)):
    assert_type(frame.confidence, float)
assert_type(trackmask.__version__, str)
"""


def main() -> None:
    with TemporaryDirectory() as room:
        wheel, sdist = build(Path(room) / "dist")
        check_readme(wheel)
        pythons = find_pythons()
        oldest, newest = pythons[min(pythons)], pythons[max(pythons)]
        lowest = [requirement.replace(">=", "==") for requirement in PROJECT["dependencies"]]
        track(Path(room) / "lowest", oldest, wheel, *lowest)
        track(Path(room) / "oldest", oldest, wheel)
        last = track(Path(room) / "newest", newest, wheel) if newest != oldest else Path(room) / "oldest"
        check_types(last)
        run_tests(last, sdist)


def say(text: str) -> None:
    sys.stdout.write(f"-- {text}\n")
    sys.stdout.flush()


def call(*command: object, cwd: Path | None = None) -> str:
    """Run; what it printed. A failure ends everything, and shows all that it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nfailed with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def build(dist: Path) -> tuple[Path, Path]:
    """The wheel, made from the sdist as installers make it, and the sdist."""
    call(sys.executable, "-m", "build", "--outdir", dist, ROOT)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    say(f"{wheel.name} {wheel.stat().st_size / 1e6:.1f} MB, {sdist.name} {sdist.stat().st_size / 1e6:.1f} MB")
    return wheel, sdist


def check_readme(wheel: Path) -> None:
    """A package index shows the README alone: no link may lead to a file beside it."""
    shutil.unpack_archive(wheel, wheel.parent / "wheel", "zip")
    (metadata,) = (wheel.parent / "wheel").glob("*.dist-info/METADATA")
    dead = re.findall(r"\]\((?!https?://)[^)]*\)", metadata.read_text())
    if dead:
        raise SystemExit(f"the README on a package index would have dead links: {dead}")


def find_pythons() -> dict[int, str]:
    """Paths by minor version, of those that this machine has; the one that runs this is among them."""
    found = {sys.version_info.minor: sys.executable}
    for minor in range(OLDEST, NEWEST + 1):
        installed = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3"))
        for python in (f"python3.{minor}", *installed):
            if minor not in found and runs(python):
                found[minor] = str(python)
    named = {int(minor) for minor in re.findall(r"Python :: 3\.(\d+)", " ".join(PROJECT["classifiers"]))}
    for minor in sorted(named - set(found)):
        say(f"SKIPPED: Python 3.{minor}, which pyproject.toml names, is not on this machine")
    say("Pythons here: " + ", ".join(f"3.{minor}" for minor in sorted(found)))
    return found


def runs(python: str | Path) -> bool:
    try:
        return subprocess.run([python, "-m", "venv", "-h"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def track(room: Path, python: str, wheel: Path, *requirements: str) -> Path:
    """Install the wheel into a new environment, `room`, and track the sample with it, outside of the checkout."""
    call(python, "-m", "venv", room / "venv")
    call(room / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel, *requirements)
    trackmask = room / "venv/bin/trackmask"
    shutil.copy(ROOT / "samples" / "cat.mp4", room)
    call(trackmask, "run", "cat.mp4", "--box", BOX, "--quiet", cwd=room)
    if not (room / "cat.mp4.trackmask/overlay.mp4").stat().st_size:
        raise SystemExit("the overlay is empty")
    scored = call(trackmask, "score", "cat.mp4.trackmask/masks", ROOT / "samples/cat.truth", "--json", cwd=room)
    reached = json.loads(scored)["clips"][0]["jf"]
    if not call(trackmask, "weights", "show").startswith(str(room)):
        raise SystemExit("the weights did not come from the wheel")
    size = sum(path.lstat().st_size for path in (room / "venv").rglob("*") if path.is_file())
    has = call(room / "venv/bin/python", "-c", VERSIONS, *map(name_of, PROJECT["dependencies"]))
    say(f"{room.name}: {has.strip()}; {size / 1e6:.0f} MB; the cat's J&F {reached:.3f}")
    if reached < LEAST:
        raise SystemExit(f"{reached:.3f} is less than {LEAST}")
    return room


VERSIONS = """
import sys, platform
from importlib.metadata import version
print("Python", platform.python_version() + ":", ", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
"""


def name_of(requirement: str) -> str:
    return re.split(r"[<>=!~]", requirement)[0]


def check_types(room: Path) -> None:
    """With py.typed left out, or a name that only looks exported, this fails."""
    (room / "typed.py").write_text(TYPED)
    call(
        sys.executable, "-m", "mypy", "--strict", "--python-executable", room / "venv/bin/python", "typed.py", cwd=room
    )
    say("mypy sees the types of the wheel")


def run_tests(room: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(room, filter="data")
    (source,) = room.glob("trackmask-*")
    call(room / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "pytest")
    tests = call(room / "venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *SDIST_TESTS, cwd=source)
    say(f"tests of the sdist, with the wheel, without torch: {tests.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()
