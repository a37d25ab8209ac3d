"""The result folder: what a run leaves, read, reviewed and revised. Only this room knows its layout."""

from trackmask.result.atomic import StagedFolder, clear_killed
from trackmask.result.folder import Result, open_result
from trackmask.result.layout import (
    EDITS,
    OVERLAY,
    REPORT,
    SOFT,
    FrameFiles,
    MaskNames,
    default_folder,
    is_corrected,
    is_result,
    versions,
)
from trackmask.result.named import called, frame_at, the_object
from trackmask.result.overwriting import is_written
from trackmask.result.records import FrameRecord, ObjectInfo, Shot, Source, prompted
from trackmask.result.review import Range
from trackmask.result.revision import Revision, undo
from trackmask.result.source import source_video
from trackmask.result.writer import ResultWriter

__all__ = [
    "EDITS",
    "OVERLAY",
    "REPORT",
    "SOFT",
    "FrameFiles",
    "FrameRecord",
    "MaskNames",
    "ObjectInfo",
    "Range",
    "Result",
    "ResultWriter",
    "Revision",
    "Shot",
    "Source",
    "StagedFolder",
    "called",
    "clear_killed",
    "default_folder",
    "frame_at",
    "is_corrected",
    "is_result",
    "is_written",
    "open_result",
    "prompted",
    "source_video",
    "the_object",
    "undo",
    "versions",
]
