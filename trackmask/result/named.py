"""What people call things in a result: an object by its id or its name, a frame by its number or its time."""

from trackmask.errors import PromptError
from trackmask.result.folder import Result
from trackmask.result.records import ObjectInfo


def called(result: Result, said: int | str) -> tuple[ObjectInfo, ...]:
    """The objects of that id or name: several may have one name. Raises PromptError where there is none."""
    found = tuple(item for item in result.objects if str(said) in (str(item.id), item.name))
    if not found:
        raise PromptError(f"{result.folder} has no object {str(said)!r}; it has {_listed(result.objects)}")
    return found


def the_object(result: Result, said: int | str | None = None) -> int:
    """The id of the object that is meant: the only one, if none is said. Raises PromptError."""
    found = result.objects if said is None else called(result, said)
    if not found:
        raise PromptError(f"{result.folder} has no objects; track the video again")
    if len(found) > 1:
        raise PromptError(f"{result.folder} has several objects; say --object with the id of one: {_listed(found)}")
    return found[0].id


def frame_at(result: Result, moment: float) -> int:
    """The frame at a place in the video: an int is its index, a float seconds. Raises PromptError where it was not
    tracked."""
    indices, times = result.frames.indices, result.frames.times
    if not indices:
        raise PromptError(f"{result.folder} has no frames; track the video again")
    if isinstance(moment, int):
        if moment not in indices:
            raise PromptError(f"frame {moment} is not in this result; it has frames {indices[0]} to {indices[-1]}")
        return moment
    if not times[0] - 1 / result.source.fps < moment < times[-1] + 1 / result.source.fps:
        raise PromptError(f"{moment:g} s is not in this result; it goes from {times[0]:g} s to {times[-1]:g} s")
    return min(zip(times, indices, strict=True), key=lambda pair: abs(pair[0] - moment))[1]


def _listed(objects: tuple[ObjectInfo, ...]) -> str:
    return ", ".join(f"{item.id} ({item.name})" for item in objects)
