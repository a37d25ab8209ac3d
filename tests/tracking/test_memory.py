"""The tracker's numpy memory against the network's torch one."""

import numpy as np
import pytest
import torch
from networks import SIZE, random_crops, random_net

from trackmask.network import memory as theirs
from trackmask.runtime import Features
from trackmask.tracking import memory as ours


@pytest.fixture(scope="module")
def frames():
    """Features of 4 frames of one object, and their soft masks (1, 1, S/2, S/2)."""
    net = random_net()
    with torch.no_grad():
        features = [net.encoder(torch.from_numpy(random_crops(1, seed))) for seed in range(4)]
    rng = torch.Generator().manual_seed(0)
    masks = [torch.rand(1, 1, SIZE // 2, SIZE // 2, generator=rng) ** 3 for _ in features]
    masks[3].zero_()
    return list(zip(features, masks, strict=True))


def numpy_memory(features, mask):
    return ours.remember(Features(*(x.numpy() for x in features)), mask[0, 0].numpy())


def close(found, wanted):
    """A memory of one object, part by part."""
    parts = [(memory.keys, memory.values, *memory.coarse, *memory.middle, *memory.fine) for memory in (found, wanted)]
    for one, other in zip(*parts, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other[0].numpy(), rtol=2e-4, atol=2e-5)


def test_remember(frames):
    for features, mask in frames:
        close(numpy_memory(features, mask), theirs.remember(features, mask))


@pytest.mark.parametrize(("references", "recent"), [(1, 0), (1, 1), (2, 0), (1, 2), (2, 1), (3, 0), (2, 2)])
def test_join_and_solve(frames, references, recent):
    first, last = frames[:references], frames[references : references + recent]
    found = ours.join([numpy_memory(*f) for f in first], [numpy_memory(*f) for f in last])
    wanted = theirs.join([theirs.remember(*f) for f in first], [theirs.remember(*f) for f in last])
    assert len(found.keys) == references + recent
    close(found, wanted)
    np.testing.assert_allclose(ours.solve(found), theirs.solve(wanted)[0].numpy(), atol=2e-3)


def test_the_joined_memory_keeps_its_parts(frames):
    """Frames are shared between memories: joining must not change them."""
    parts = [numpy_memory(*f) for f in frames[:2]]
    before = [part.fine.gram.copy() for part in parts]
    ours.join(parts[:1], parts[1:])
    assert all((part.fine.gram == gram).all() for part, gram in zip(parts, before, strict=True))
