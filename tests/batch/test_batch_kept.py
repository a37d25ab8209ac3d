"""A batch never replaces what a person corrected, unless it is asked to by name."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batch_samples import add_clip, tree
from click.testing import CliRunner

from trackmask.batch.batch import Batch, run_batch
from trackmask.batch.manifest import FAILED, Manifest
from trackmask.batch.owner import Event
from trackmask.batch.status import manifest_name, paths
from trackmask.cli import main
from trackmask.correct import correct
from trackmask.errors import OutputExistsError
from trackmask.importing import import_edits
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt
from trackmask.result import open_result
from trackmask.runtime import OnnxRuntime


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """in/ with two clips and out/ with their results, the first of which a person corrected."""
    room = tmp_path_factory.mktemp("corrected")
    for number, name in enumerate(("a.mp4", "b.mp4")):
        add_clip(room / "in" / name, 3 * number)
    run_batch(Batch(str(room / "in"), room / "out", jobs=1))
    mask = np.zeros((72, 96), bool)
    mask[10:30, 50:70] = True
    correct(room / "out" / "a.mp4.trackmask", [Prompt(1, 2, mask=mask)], OnnxRuntime(threads=1))
    return room


@pytest.fixture
def call(corrected: Path, tmp_path: Path) -> Batch:
    """The batch that made them, in a copy that is the test's own."""
    shutil.copytree(corrected, tmp_path, dirs_exist_ok=True)
    return Batch(str(tmp_path / "in"), tmp_path / "out", jobs=1)


def result(call: Batch) -> Path:
    return call.out / "a.mp4.trackmask"


@pytest.mark.parametrize("change", ["settings", "clip", "prompt", "overwrite"])
def test_a_correction_outlives_whatever_changes(call: Batch, tmp_path: Path, change: str) -> None:
    if change == "clip":
        add_clip(tmp_path / "in" / "a.mp4", 9)
    elif change == "prompt":
        (tmp_path / "in" / "a.prompts.json").write_text('{"objects": [{"prompts": [{"box": [11, 20, 24, 24]}]}]}')
    options = Options(
        overwrite=change == "overwrite", style="outline" if change in ("settings", "overwrite") else "fill"
    )
    before, events = tree(result(call)), list[Event]()
    summary = run_batch(replace(call, options=options), events.append)
    assert tree(result(call)) == before
    assert (summary.kept, summary.failures) == (1, [])
    (plan,) = (event.about for event in events if event.kind == "plan")
    assert sum(plan["kept"].values()) == 1
    assert run_batch(replace(call, options=options)).kept == 1  # it is said each time


def test_what_is_kept_and_had_failed_before_is_not_missing_from_what_is_left(call: Batch) -> None:
    manifest = paths(call.out, manifest_name(None))[0]
    with Manifest(manifest) as before:
        before.put(*(replace(row, state=FAILED) for row in before.rows().values() if b"a.mp4" in row.output))
    summary = run_batch(replace(call, options=Options(overwrite=True)))
    assert (summary.kept, len(summary.failures), summary.left) == (1, 1, 0)


def test_the_command_says_so_and_discards_where_it_is_told_to(call: Batch) -> None:
    words = ["batch", call.source, "-o", str(call.out), "--style", "outline", "--jobs", "1"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0
    assert "1 kept with a person's corrections" in done.output
    assert "1 kept, since a person corrected the result: settings changed" in done.output
    assert len(open_result(result(call)).prompts) == 2
    done = CliRunner().invoke(main, [*words, "--discard-corrections"])
    assert done.exit_code == 0, done.output
    assert "1 clip tracked" in done.output
    assert len(open_result(result(call)).prompts) == 1


def test_imported_edits_are_a_persons_work_as_well(call: Batch, tmp_path: Path) -> None:
    point = [[5, 5], [20, 5], [20, 20]]
    shape = {"label": "square", "group_id": 1, "shape_type": "polygon", "points": point}
    (tmp_path / "b").mkdir()
    page = {"imagePath": "b-00001.jpg", "imageHeight": 72, "imageWidth": 96, "shapes": [shape]}
    (tmp_path / "b" / "00001.json").write_text(json.dumps(page))
    import_edits(call.out / "b.mp4.trackmask", tmp_path / "b", "labelme")
    assert run_batch(replace(call, options=Options(style="outline"))).kept == 2
    assert (call.out / "b.mp4.trackmask" / "edits" / "edits.json").is_file()


def test_run_overwrites_a_corrected_result_only_where_it_is_told_to(call: Batch, tmp_path: Path) -> None:
    video, runtime, prompt = tmp_path / "in" / "a.mp4", OnnxRuntime(threads=1), Prompt(1, box=(10, 20, 24, 24))
    with pytest.raises(OutputExistsError, match="--discard-corrections"):
        run(video, result(call), [prompt], runtime, Options(overwrite=True))
    assert len(open_result(result(call)).prompts) == 2
    run(video, result(call), [prompt], runtime, Options(overwrite=True, discard=True))
    assert len(open_result(result(call)).prompts) == 1


def test_a_file_of_a_person_inside_the_result_is_kept(call: Batch) -> None:
    mine = call.out / "b.mp4.trackmask" / "masks" / "my own.png"
    mine.write_bytes(b"mine")
    summary = run_batch(replace(call, options=Options(style="outline")))
    assert [row.error for row in summary.failures] == [
        f"{call.out / 'b.mp4.trackmask'} also holds masks/my own.png, which --overwrite would delete; move it away"
    ]
    assert mine.read_bytes() == b"mine"
