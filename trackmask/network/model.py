"""TrackNet: Encoder → TemporalFusion → Decoder."""

from dataclasses import dataclass

from torch import Tensor, nn

from .decoder import Decoder
from .encoder import Encoder, Features
from .fusion import CHOICES, PARTS, TemporalFusion


@dataclass(frozen=True)
class NetworkConfig:
    """Travels inside the checkpoint, so that architecture and weights cannot drift apart.

    Raises ValueError for a size or a part that no network has.
    """

    size: int = 256  # S: the side of the crop in pixels, a multiple of 16
    fusion: tuple[str, ...] = PARTS  # any of CHOICES; none = pairwise

    def __post_init__(self) -> None:
        if self.size <= 0 or self.size % 16:
            raise ValueError(f"a crop of {self.size} pixels does not fit the network; give a multiple of 16")
        if unknown := set(self.fusion) - set(CHOICES):
            raise ValueError(f"there is no fusion {min(unknown)!r}; give any of {', '.join(CHOICES)}")


class TrackNet(nn.Module):
    """Two steps, so that a frame is encoded once and remembered later.

    `encoder(images)` → Features; `forward(features, ...)` → logits (N, 1, S/2, S/2), quality (N, 2).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder()
        self.fusion = TemporalFusion(config.fusion, config.size // 16)
        self.decoder = Decoder(
            self.fusion.channels16, self.fusion.channels8, self.fusion.channels4, self.fusion.channels2
        )

    def forward(
        self, features: Features, previous: Tensor, prompts: Tensor, keys: Tensor, values: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The current crop's mask.

        previous (N, 1, S/2, S/2): the last mask's probability, moved to this crop; zeros where there is none.
        prompts (N, 2, S/4, S/4): clicks on the object; clicks beside it, and everything outside of a given box.
        keys (N, M, G, KEY), values (N, M, G, VALUE): the memory; M = 0 without a reference.
        weights (N, WEIGHTS): the solved layer; zeros without a reference.
        """
        fused = self.fusion(features, previous, prompts, keys, values, weights)
        logits, quality = self.decoder(features, *fused, previous, prompts)
        return logits, quality
