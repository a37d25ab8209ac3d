"""The report's HTML. Every string that comes from the data goes through `escape`, or through JSON."""

import json
import math
import shlex
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template

from trackmask.data import State
from trackmask.draw import palette
from trackmask.files import counted
from trackmask.report.pictures import Row, View
from trackmask.report.series import STATES, Series, cuts, worst
from trackmask.report.timeline import axis, bands_svg, plot_svg
from trackmask.result import ObjectInfo, Range, Result, prompted

SIGN = '<meta name="generator" content="trackmask">'  # by it an earlier report is known as ours


@dataclass(frozen=True, eq=False)
class Page:
    result: Result
    series: Mapping[int, Series]  # by object id
    rows: Sequence[Row]  # worst first
    poster: View
    portraits: Mapping[int, View]  # by object id; none of an object that is never seen
    pictures: Mapping[View, str]  # data URIs
    film: str | None  # a relative URL
    video: str  # the way to it from the folder that the result lies in
    notes: Sequence[str]

    def html(self) -> str:
        parts = {
            "sign": SIGN,
            "css": _part("colours.css") + _part("page.css"),
            "js": _part("page.js"),
            "name": escape(self.result.source.name),
            "facts": self._facts(),
            "notes": "".join(f'<p class="note">{escape(note)}</p>' for note in self.notes),
            "stage": self._stage(),
            "shares": self._shares(),
            "timelines": "\n".join(self._timeline(item) for item in self.result.objects),
            "review": self._review(),
            "tool": escape(self.result.tool),
            "data": self._data(),
        }
        return Template(_part("page.html")).substitute(parts)

    def _facts(self) -> str:
        result, source = self.result, self.result.source
        first, last = result.frames[0], result.frames[-1]
        facts = [
            f"{counted(len(result.frames), 'frame')} ({first.index} to {last.index})",
            _clock(last.time - first.time + float(1 / source.fps)),
            f"{float(source.fps):.6g} frames/s",
            f"{source.size[1]} × {source.size[0]} pixels",
            counted(len(result.objects), "object"),
        ]
        if result.cuts:
            facts.append(counted(len(result.shots), "shot"))
        return "".join(f"<li>{fact}</li>" for fact in facts)

    def _stage(self) -> str:
        height, width = self.result.source.size
        poster, frame = self.pictures[self.poster], self.result.frames.indices[self.poster.place]
        size = f'width="{width}" height="{height}"'
        if self.film is None:
            return f'<img class="screen" src="{poster}" {size} alt="frame {frame} with its masks">'
        return (
            f'<video id="film" class="screen" src="{escape(self.film)}" poster="{poster}" {size} controls playsinline'
            ' preload="metadata"></video>'
            '<p class="note" id="broken" hidden>This browser cannot play the overlay; another player may.</p>'
            '<p class="steps"><button id="back" aria-label="one frame back">‹</button>'
            f'<output id="where">poster: frame {frame}</output>'
            '<button id="on" aria-label="one frame on">›</button></p>'
        )

    def _shares(self) -> str:
        """The table of how much of the time each object is in each state."""
        head = "".join(f'<th scope="col">{_state(state)}</th>' for state in State)
        rows = "".join(
            f'<tr><th scope="row">{_title(item.id, item.name)}</th>{self._cells(self.series[item.id])}</tr>'
            for item in self.result.objects
        )
        return f'<table><thead><tr><th scope="col">share of frames</th>{head}</tr></thead><tbody>{rows}</tbody></table>'

    def _cells(self, one: Series) -> str:
        return "".join(f"<td>{_percent(one.share(state))}</td>" for state in State)

    def _timeline(self, item: ObjectInfo) -> str:
        one, indices = self.series[item.id], self.result.frames.indices
        marks = [row.span for row in self.rows if row.item.object_id == item.id]
        plot = plot_svg(one, marks, [bisect_left(indices, index) for index in self.result.cuts])
        return (
            f'<article class="object"><h3>{self._portrait(item)}{_title(item.id, item.name)}</h3><output></output>'
            f'<div class="plot" role="slider" tabindex="0" aria-label="timeline of {escape(item.name)}"'
            f' aria-valuemin="{indices[0]}" aria-valuemax="{indices[-1]}" aria-valuenow="{indices[0]}">'
            f'{plot}{bands_svg(one)}{self._pins(item.id)}<i class="cursor" hidden></i></div>'
            f"{axis(indices)}</article>"
        )

    def _portrait(self, item: ObjectInfo) -> str:
        view = self.portraits.get(item.id)
        if view is None:
            return ""
        frame = self.result.frames.indices[view.place]
        return f'<img class="portrait" src="{self.pictures[view]}" alt="{escape(item.name)} in frame {frame}">'

    def _pins(self, object_id: int) -> str:
        """A mark at each frame in which the object was prompted."""
        own = set(prompted(self.result.prompts).get(object_id, ()))
        places = [place for place, index in enumerate(self.result.frames.indices) if index in own]
        count = len(self.result.frames)
        return "".join(f'<i class="prompt" style="left:{(place + 0.5) / count:.4%}"></i>' for place in places)

    def _review(self) -> str:
        if not self.rows:
            return '<p class="soft">Nothing stands out: no object is lost, unsure, or changes suddenly.</p>'
        names = {item.id: item.name for item in self.result.objects}
        rows = "\n".join(
            self._row(row, names.get(row.item.object_id, f"object {row.item.object_id}")) for row in self.rows
        )
        place = escape(self.result.folder.resolve().name)
        return (
            '<p class="soft advice">The commands below each range put it right, from the folder that'
            f" {place} lies in. The first writes the frame as a picture: paint the object white and all else black, and"
            " save that under the name in the second. Where it is not to be seen, say --absent in place of the mask."
            " Click on a command to copy it.</p>"
            f'<ol class="review">{rows}</ol>'
        )

    def _row(self, row: Row, name: str) -> str:
        item = row.item
        frames = f"frame {item.first}" if item.first == item.last else f"frames {item.first} to {item.last}"
        text = (
            f"{_title(item.object_id, name)}<b>{frames}</b><span>{escape(item.reason)}</span>"
            f'<span class="soft">confidence {item.confidence:.2f}, correct frame {item.frame} first</span>'
        )
        start = row.views[0].place
        head = self._button("head", f'data-play="{start}" aria-label="play {frames} of {escape(name)}"', text)
        pictures = "".join(self._thumb(row, view) for view in row.views)
        inside = f'data-first="{start}" data-last="{row.views[-1].place}"'
        commands = "".join(f"<li><code>{escape(line)}</code></li>" for line in self._commands(item))
        return f'<li {inside}>{head}<div class="strip">{pictures}</div><ul class="commands">{commands}</ul></li>'

    def _commands(self, item: Range) -> tuple[str, str]:
        """What puts the frame right that is to be corrected first."""
        frame, mask = f"frame-{item.frame}.png", f"mask-{item.frame}.png"
        folder = self.result.folder.resolve().name
        return (
            _line("frame", self.video, "--at", item.frame, "-o", frame),
            _line("correct", folder, "--object", item.object_id, "--frame", item.frame, "--mask", mask),
        )

    def _thumb(self, row: Row, view: View) -> str:
        """The range stands in the middle of five columns, also where the film has no frames before it."""
        index, first = self.result.frames.indices[view.place], view == row.views[0]
        when = "before" if index < row.item.first else "after" if index > row.item.last else "at"
        column = 3 - sum(other.place < row.span[0] for other in row.views)
        image = f'<img src="{self.pictures[view]}" alt="frame {index}, {when} the range" loading="lazy">'
        place = self._button("thumb", f'data-seek="{view.place}" aria-label="show frame {index}"', image)
        style = f' style="grid-column:{column}"' if first else ""
        return f'<figure class="{when}"{style}>{place}<figcaption>{index}</figcaption></figure>'

    def _button(self, kind: str, attributes: str, content: str) -> str:
        """Something to click where there is a film to play, and the same thing at rest where not."""
        if self.film is None:
            return f'<div class="{kind}">{content}</div>'
        return f'<button type="button" class="{kind}" {attributes}>{content}</button>'

    def _data(self) -> str:
        """What the script needs: where the frames lie in time, and each object's numbers, by bucket."""
        frames = self.result.frames
        shown = {view.place + near for row in self.rows for view in row.views for near in (0, 1)}
        places = sorted(({*cuts(len(frames)), len(frames) - 1} | shown) - {len(frames)})
        start, step = frames.times[0], float(1 / self.result.source.fps)
        data = {
            "places": places,
            "frames": [frames.indices[place] for place in places],
            "times": [round(frames.times[place] - start, 6) for place in places],  # the film begins at 0
            "start": start,
            "end": round(frames.times[-1] - start + step, 6),
            "count": len(frames),
            "buckets": cuts(len(frames))[:-1],
            "states": list(STATES),
            "objects": [self._numbers(self.series[item.id]) for item in self.result.objects],
        }
        # A "</script>" in a string would end the script; \u003c is the same string to JSON.
        return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")

    def _numbers(self, one: Series) -> dict[str, list]:
        confidence, area, state = worst(one)
        return {
            "confidence": [None if math.isnan(value) else round(value, 3) for value in confidence],
            "area": [None if math.isnan(value) else int(value) for value in area],
            "state": state,
        }


def _line(*words: object) -> str:
    """A command of ours, as a shell takes it."""
    first = [
        f"./{word}" if str(word).startswith("-") and number == 1 else str(word) for number, word in enumerate(words)
    ]
    return shlex.join(["trackmask", *first])


def _part(name: str) -> str:
    return resources.files("trackmask.report").joinpath(name).read_text(encoding="utf-8")


def _title(object_id: int, name: str) -> str:
    """An object's name, and the id that commands take, behind its colour in the masks."""
    red, green, blue = palette()[object_id]
    number = "" if name.startswith(f"object {object_id}") else f' <small class="soft">object {object_id}</small>'
    return f'<span><i class="swatch" style="background:rgb({red},{green},{blue})"></i>{escape(name)}{number}</span>'


def _state(state: State) -> str:
    return f'<i class="dot {state}"></i>{state}'


def _clock(seconds: float) -> str:
    """3.20 s, 12:05 or 1:02:03."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _percent(share: float) -> str:
    """Never 0 or 100 % where that is not the whole truth."""
    if share == 0:
        return "–"
    text = f"{share:.0%}"
    return {"0%": "&lt; 1%", "100%": "100%" if share == 1 else "&gt; 99%"}.get(text, text)
