"""What a training is at one step, and the file that it goes on from."""

import pickle
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trackmask.errors import CallError, WeightsError
from trackmask.files import write_whole
from trackmask.network.model import NetworkConfig, TrackNet
from trackmask.training.adversary import Adversary
from trackmask.training.imagenet import load_imagenet

BACKBONE_SHARE = 0.1  # of the learning rate: pretrained weights need little
KEYS = {"net", "mean", "optimizer", "step", "seconds", "config"}


@dataclass
class Training:
    """All that a resumed run needs: saved whole."""

    net: TrackNet
    mean: TrackNet  # the exponential moving average of the weights
    optimizer: torch.optim.AdamW
    adversary: Adversary | None = None
    step: int = 0
    seconds: float = 0.0
    pending: list[dict[str, float]] = field(default_factory=list)  # steps that the log has not yet counted
    schedule: dict[str, Any] = field(default_factory=dict)  # that it follows; empty: an old checkpoint does not say

    @classmethod
    def start(
        cls,
        config: NetworkConfig,
        rate: float,
        *,
        finetune: int,
        seed: int,
        weights: dict[str, Tensor] | None,
        adversarial: bool = False,
    ) -> "Training":
        """A new one, from `weights` by name, or else from ImageNet's and random ones; so many of the backbone's last
        blocks as `finetune` says learn, too; `adversarial`: against an adversary, which learns beside it.

        Raises WeightsError where `weights` do not fit the configuration, or ImageNet's are missing.
        """
        torch.manual_seed(seed)
        net, mean = TrackNet(config), TrackNet(config)
        if weights is None:
            load_imagenet(net.encoder.backbone)
        else:
            try:
                net.load_state_dict(weights)
            except RuntimeError as error:
                raise WeightsError("the weights to start from belong to a network of another size or fusion") from error
        mean.load_state_dict(net.state_dict())
        net.encoder.backbone.requires_grad_(False)
        groups = [{"params": [p for p in net.parameters() if p.requires_grad], "share": 1.0}]
        if finetune:
            # The early blocks are the costly ones to train, and the ones with the least to learn.
            last = net.encoder.backbone.blocks[-finetune:].requires_grad_(True)
            groups.append({"params": list(last.parameters()), "share": BACKBONE_SHARE})
        adversary = Adversary(config.size // 16) if adversarial else None
        if adversary is not None:
            groups.append({"params": list(adversary.parameters()), "share": 1.0})
        return cls(net, mean.requires_grad_(False), torch.optim.AdamW(groups, rate, weight_decay=1e-4), adversary)

    def to(self, device: str) -> None:
        """Move the networks, channels last: convolutions are faster so."""
        for net in (self.net, self.mean):
            net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
        if self.adversary is not None:
            self.adversary.to(device)

    def save(self, path: Path) -> None:
        """Write it in one piece: whoever interrupts finds the checkpoint before. Raises OutputError."""
        state = {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "adversary": None if self.adversary is None else self.adversary.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "pending": self.pending,
            "config": asdict(self.net.config),
            "schedule": self.schedule,
        }
        blob = BytesIO()  # torch.save itself turns a full disk into a nameless error
        torch.save(state, blob)
        write_whole(path, blob.getvalue())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint. Raises WeightsError; CallError where it belongs to another kind of training."""
        state = read_state(path)
        try:
            self.net.load_state_dict(state["net"])
            self.mean.load_state_dict(state["mean"])
            self.optimizer.load_state_dict(state["optimizer"])  # refuses another number of groups: with an adversary
            if self.adversary is not None:
                self.adversary.load_state_dict(state["adversary"])
        except (RuntimeError, ValueError) as error:
            raise CallError(
                f"{path} was trained with other options; resume with its --size, --fusion, --finetune and "
                "--adversarial-mask"
            ) from error
        self.step, self.seconds, self.pending = state["step"], state["seconds"], state.get("pending", [])
        self.schedule = state.get("schedule", {})


def read_state(path: Path) -> dict[str, Any]:
    """A training's checkpoint: at least KEYS. Raises WeightsError. Nothing in it can run code."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint; give one that trackmask train wrote") from error
    if not isinstance(state, dict) or not state.keys() >= KEYS:
        raise WeightsError(f"{path} is no checkpoint of a training; give one that trackmask train wrote")
    return state
