"""What the user says of an object: its mask, a box or clicks, in one frame; on the command line or in a file."""

from trackmask.formats.shape import Box, Point
from trackmask.prompts.files import files_behind, read_prompt_file
from trackmask.prompts.fitting import check, plain_moment
from trackmask.prompts.gather import PromptSet, Target
from trackmask.prompts.place import frame_at, placed
from trackmask.prompts.prompt import (
    Moment,
    Prompt,
    by_frame,
    parse_box,
    parse_moment,
    parse_point,
    read_mask,
)

__all__ = [
    "Box",
    "Moment",
    "Point",
    "Prompt",
    "PromptSet",
    "Target",
    "by_frame",
    "check",
    "files_behind",
    "frame_at",
    "parse_box",
    "parse_moment",
    "parse_point",
    "placed",
    "plain_moment",
    "read_mask",
    "read_prompt_file",
]
