"""What the user says of an object: its mask, a box or clicks, in one frame; on the command line or in a file."""

from trackmask.formats.shape import Box, Point
from trackmask.prompts.files import files_behind, read_prompt_file
from trackmask.prompts.fitting import check
from trackmask.prompts.gather import PromptSet, Target
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
    "parse_box",
    "parse_moment",
    "parse_point",
    "read_mask",
    "read_prompt_file",
]
