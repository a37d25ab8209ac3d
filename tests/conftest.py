from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytest_plugins = ("batch_samples", "evaluation_samples", "video_samples")  # fixtures that several files share


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory):
    """A folder with the three files of a small network with random weights."""
    return written_net(tmp_path_factory.mktemp("weights"), seed=2)  # by chance one that keeps the bunny in sight


@pytest.fixture(scope="session")
def losing_weights(tmp_path_factory):
    """The same of a network that soon loses what it tracks."""
    return written_net(tmp_path_factory.mktemp("losing"), seed=0)


def written_net(folder, seed):
    from networks import random_net

    from trackmask.runtime import CHECKPOINT, export_graphs, save_checkpoint

    net = random_net(seed=seed)
    config = {"size": net.config.size, "fusion": net.config.fusion}
    save_checkpoint(folder / CHECKPOINT, net.state_dict(), config)
    export_graphs(folder / CHECKPOINT, folder)
    return folder


@pytest.fixture(scope="session")
def exact_weights(tmp_path_factory):
    """The shipped checkpoint with graphs that compute in float32 throughout."""
    from trackmask.runtime import CHECKPOINT, export_graphs

    folder = tmp_path_factory.mktemp("exact")
    (folder / CHECKPOINT).write_bytes((ROOT / "weights" / CHECKPOINT).read_bytes())
    export_graphs(folder / CHECKPOINT, folder)
    return folder


@pytest.fixture(scope="session", params=["tiny", "shipped"])
def any_weights(request, tiny_weights):
    """The small network, and the shipped one where this checkout has it."""
    if request.param == "tiny":
        return tiny_weights
    if not (ROOT / "weights" / "trackmask.safetensors").exists():
        pytest.skip("this checkout has no weights yet")
    return ROOT / "weights"
