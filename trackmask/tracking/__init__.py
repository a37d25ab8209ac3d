"""The tracker: pictures and prompts in, masks out, and all that only it needs.

crop         the window through which an object is seen, and the ways into it and back
segment      looks through crops: questions to the network, observations back
prompted     what a box or clicks mean
refine       a mask that is nearly right, and a click on what is wrong in it
parts        the connected parts of a soft mask
memory       what is remembered of a frame with a mask
track        one object on its way through a video
tracker      all objects of a video, a frame at a time
evidence     what is known of a mask, and what is said of it
reference    a prompt as it was understood
loop         frames and prompts through a tracker, in either direction
course       all prompted objects through a range of a video
twice        what a first pass found, checked and mended by a second one
blend        two directions' opinions, made into one
pile         what one direction found, until the other one comes by
both_ways    one object between its prompts, from both sides
flow         dense optical flow
discover     the main object, where nobody points at one
prompt_maps  how boxes and clicks look to the network
"""

from trackmask.tracking.both_ways import Span, gaps
from trackmask.tracking.course import Course
from trackmask.tracking.discover import discover
from trackmask.tracking.evidence import judged
from trackmask.tracking.loop import follow, understand
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker

__all__ = ["Course", "Reference", "Settings", "Span", "Tracker", "discover", "follow", "gaps", "judged", "understand"]
