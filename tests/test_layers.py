"""The direction of the imports: a file imports from its own floor and from the floors below, and never in a circle."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import trackmask

PACKAGE = Path(trackmask.__file__).parent
FLOORS = (
    "errors data metrics draw files extras",
    "video network formats",
    "prompts runtime",
    "tracking result",
    "export importing report",
    "pipeline correct api",
    "batch studio training evaluation",
    "lab",
    "cli",
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor.split()}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__main__.py" and p != PACKAGE / "__init__.py")


def module(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("trackmask", *parts)).removesuffix(".__init__")


def imports(path):
    """Full names of all that a file imports, wherever in it."""
    here = module(path).split(".") + (["__init__"] if path.name == "__init__.py" else [])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join((*here[: -node.level], node.module or "")).strip(".") if node.level else node.module
            names = [f"{start}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else start for name in names)


MODULES = {module(path) for path in FILES}


def room(name):
    return name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_go_down(path):
    own = room(module(path))
    assert own in FLOOR, f"give {own} a floor in FLOORS, and in design.md"
    for name in imports(path):
        if not name.startswith("trackmask."):
            continue
        assert FLOOR[room(name)] <= FLOOR[own], f"{module(path)} imports {name} from above"
        assert room(name) != "lab" or own in ("lab", "cli"), f"{module(path)} imports the lab"
        if room(name) in ("training", "evaluation"):
            assert own in ("lab", "cli", room(name)), f"{module(path)} imports {name}"


def test_no_circles():
    graph = {module(path): {name for name in imports(path) if name in MODULES} - {module(path)} for path in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_the_network_imports_torch_and_itself_alone():
    for path in PACKAGE.glob("network/*.py"):
        foreign = {name.split(".")[0] for name in imports(path) if not name.startswith("trackmask.network")}
        assert foreign <= {"torch"} | set(sys.stdlib_module_names), path.name


@pytest.mark.parametrize("name", ["trackmask", "trackmask.cli"])
def test_heavy_libraries_wait(name):
    """`trackmask --help` and a typo must cost nothing."""
    heavy = "{'torch', 'cv2', 'numpy', 'onnxruntime', 'av', 'PIL'}"
    code = f"import sys, {name}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "[]"


def test_tracking_on_the_cpu_does_not_import_torch():
    code = "import sys, trackmask.pipeline, trackmask.export; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "False"


def test_public_names():
    for name in trackmask.__all__:
        assert getattr(trackmask, name).__name__ == name
        assert name in dir(trackmask)
    assert not hasattr(trackmask, "Trackre")
