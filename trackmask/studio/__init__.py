"""The studio: look, click, track, correct and export in the browser, on the own machine.

acts       what a person said, act by act, and what it adds up to
journal    the acts on the disk, each before it is answered
painting   strokes and polygons as pixels
tracked    the masks and records that tracking has made, frame by frame
plan       which frames are out of date, and the passes that track them
work       the passes run: tracker in, masks out
network    what tells masks, ready to run
frames     any frame of the video, soon
turns      who goes first
prompting  the mask that a prompt means, soon
store      what lasts of a clip, on the disk
shown      the masks that are to be seen
session    what a person does with a clip
opening    a clip is opened where it was left
saving     the result folder is written
exports    out, and `imports`: in from other tools
clips      the clips that a path names
jobs       one long work at a time, and how far it is
events     what all tabs are told, and `teller`: of what is tracked, while it is made
guard      strangers stay out
view       a clip as the page sees it, and `summary`: the list of clips
desk       all clips of a studio, and its works
routes     what the page may ask, and `calls`: what it says
server     the web server
page/      what the browser shows

docs/studio-protocol.md says what the page and the server tell each other. Needs the extra [studio].
"""
