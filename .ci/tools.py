"""Lets the tools that our exports are for read them, and says in capitals what of them could not be tried.

    python .ci/tools.py

Each package of the extra [check] goes into a new environment, since some overwrite what others need; what this Python
has lies behind it, so that nothing is installed twice, torch least of all.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))
from browser import CHROMIUM  # noqa: E402

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TESTS = [f"tests/export/test_export_{part}.py" for part in ("annotation", "formats", "tools")]
# Their dependencies are for training on a GPU; the reader needs torch, and to know torchvision's version.
ALONE = {"ultralytics": ["torchvision"]}
# Ultralytics would install what it misses, and look for updates.
QUIET = {"YOLO_AUTOINSTALL": "False", "YOLO_OFFLINE": "True"}
PATIENCE = 240  # seconds for all packages together: an index that hangs must not hang CI


def main() -> int:
    left_out = list(missing())
    with TemporaryDirectory() as room:
        python = environment(Path(room))
        deadline = monotonic() + PATIENCE
        for requirement in EXTRAS["check"]:
            if why := install(python, requirement, max(deadline - monotonic(), 1)):
                left_out.append(f"{requirement}, which could not be installed: {why}")
        tests = [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *TESTS]
        failed = subprocess.run(tests, cwd=ROOT, env=os.environ | QUIET | {"HOME": room}, check=False).returncode
    for line in left_out:
        sys.stdout.write(f"-- LEFT OUT: {line}\n")
    return failed


def missing() -> Iterator[str]:
    """What this machine lacks of what tests use, and what they do not look at without it."""
    if CHROMIUM is None:
        yield "Chromium, which is not on this machine: films and pages were not looked at in a browser"
    elif find_spec("playwright") is None:
        yield "playwright, which could not be installed: films and pages were not looked at in a browser"
    if shutil.which("ffprobe") is None:
        yield "ffprobe, which is not on this machine: what films say of themselves was read by our FFmpeg alone"


def environment(room: Path) -> Path:
    """The python of a new environment that sees the packages of this one behind its own."""
    subprocess.run([sys.executable, "-m", "venv", room], check=True)
    python = room / "bin" / "python"
    (own,) = room.glob("lib/python*/site-packages")
    (own / "behind.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


def install(python: Path, requirement: str, seconds: float) -> str:
    """Why it could not be installed within some seconds; nothing where it was."""
    name = requirement.partition(">")[0]
    words = ["--no-deps", requirement, *ALONE[name]] if name in ALONE else [requirement]
    options = ["-q", "--disable-pip-version-check", "--retries", "1", "--only-binary", ":all:"]
    command = [python, "-m", "pip", "install", *options, *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"it took longer than {seconds:.0f} s"
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return (errors or ["pip failed"])[-1] if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
