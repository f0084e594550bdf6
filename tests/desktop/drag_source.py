#!/usr/bin/env python3
"""A small window to drag files from: drag_source.py FILE...  It prints "ready" once it is on screen, at its right edge.
FOLDER/* stands for each file in it: more names than a command line takes."""

import sys
from pathlib import Path

# Taken away before GTK reads them: it stops at a name that is no text.
NAMES = [Path(name) for name in sys.argv[1:]]
FILES = [file for name in NAMES for file in (sorted(name.parent.iterdir()) if name.name == "*" else [name])]
URIS = [file.resolve().as_uri() for file in FILES]
del sys.argv[1:]

import gi  # noqa: E402

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

label = Gtk.Label(label="drag me")
source = Gtk.EventBox()
source.add(label)
source.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
source.drag_source_add_uri_targets()
source.connect("drag-data-get", lambda widget, context, data, info, time: data.set_uris(URIS))

window = Gtk.Window(title="labferry-drag-source")
window.set_default_size(160, 120)
window.add(source)
window.connect("destroy", Gtk.main_quit)
window.connect("map-event", lambda *_: print("ready", flush=True))
window.show_all()
Gtk.main()
