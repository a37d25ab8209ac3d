"""A studio for the tests: its own server, asked through Starlette's test client, as the page asks."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.testclient import TestClient
from waiting import PATIENCE, until

from trackmask.prompts import read_mask
from trackmask.runtime import OnnxRuntime, Runtime
from trackmask.studio.clips import find
from trackmask.studio.events import Hub
from trackmask.studio.server import Address, application

SAMPLES = Path(__file__).parent.parent / "samples"
HERE = "http://127.0.0.1:8731"
ADDRESS = Address("127.0.0.1", 8731, "a-link-that-is-good-once")


@cache
def runtime() -> Runtime:
    return OnnxRuntime(threads=2)


class Ear(Hub):
    """Keeps what all tabs are told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, dict[str, Any]]] = []

    def send(self, kind: str, data: dict[str, Any]) -> None:
        self.told.append((kind, data))
        super().send(kind, data)


class Studio:
    """The first clip of a studio, as its page sees it."""

    def __init__(self, client: TestClient, hub: Ear) -> None:
        self.client = client
        self.told = hub.told  # all events so far, their kinds and data
        self.clips = client.get("/api/clips").json()["clips"]
        self.way = f"/api/clips/{self.clips[0]['id']}"

    def post(self, do: str, status: int = 200, **said: Any) -> dict[str, Any]:
        answer = self.client.post(f"{self.way}/{do}", json=said)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def get(self, what: str = "", status: int = 200) -> Any:
        answer = self.client.get(f"{self.way}{what}")
        assert answer.status_code == status, answer.text
        return answer.json()

    def mask(self, frame: int) -> np.ndarray:
        """(H, W) uint8: what is drawn over a frame."""
        return picture(self.client.get(f"{self.way}/masks/{frame}").content, cv2.IMREAD_UNCHANGED)

    def frame(self, index: int, **asked: Any) -> np.ndarray:
        """(H, W, 3) uint8, RGB."""
        answer = self.client.get(f"{self.way}/frames/{index}", params=asked)
        assert answer.status_code == 200, answer.text
        return picture(answer.content, cv2.IMREAD_COLOR)[..., ::-1]

    def track(self, direction: str = "all", frame: int = 0, **more: Any) -> dict[str, Any]:
        self.post("track", direction=direction, frame=frame, **more)
        return self.wait()

    def wait(self) -> dict[str, Any]:
        """The state once nothing is under way, all frames are counted, and all tabs have been told of both."""
        self.get()  # opens it
        desk = self.client.app._app.state.desk
        for thread in (*desk._counting.values(), desk.jobs._thread):
            if thread is not None:
                thread.join(PATIENCE)
                assert not thread.is_alive(), thread.name
        return dict(self.get())

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """What the tabs were told of that kind, once there is any."""
        return until(lambda: [data for name, data in self.told if name == kind], kind)


def picture(content: bytes, how: int) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    assert found is not None
    return found


@contextmanager
def studio(path: Path, network: Runtime | None = None) -> Iterator[Studio]:
    """The studio of a path, let in by its link; left as by Ctrl-C."""
    hub = Ear()
    app = application(find(path), lambda: network or runtime(), ADDRESS, hub)
    with TestClient(app, base_url=HERE, headers={"Origin": HERE}) as client:
        assert client.get("/", params={"token": ADDRESS.token}).status_code == 200
        yield Studio(client, hub)


def cat(folder: Path) -> Path:
    """The sample, 48 frames of 480 x 360, whose truth is known, as a clip of one's own."""
    return Path(shutil.copy(SAMPLES / "cat.mp4", folder / "cat.mp4"))


def truth(frame: int) -> np.ndarray:
    return read_mask(SAMPLES / "cat.truth" / f"{frame:05d}.png")[1]


def inside(mask: np.ndarray) -> tuple[float, float]:
    """Where a mask is thickest."""
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x) + 0.5, float(y) + 0.5


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
