#!/usr/bin/env python3
"""Stands in for the system's log-in service: says who asks the computer to stay awake, and when they let go."""

import os

from gi.repository import Gio, GLib

INTERFACE = """<node><interface name="org.freedesktop.login1.Manager"><method name="Inhibit">
  <arg direction="in" type="s"/><arg direction="in" type="s"/><arg direction="in" type="s"/><arg direction="in" type="s"/>
  <arg direction="out" type="h"/>
</method></interface></node>"""


def released(descriptor, condition):
    os.close(descriptor)
    print("released", flush=True)
    return GLib.SOURCE_REMOVE


def called(connection, sender, path, interface, method, arguments, invocation):
    what, who, why, mode = arguments.unpack()
    # The asker holds one end; the other one hears when it is closed, by whatever end the asker comes to.
    ours, theirs = os.pipe()
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, ours, GLib.IOCondition.HUP, released)
    handles = Gio.UnixFDList.new()
    handles.append(theirs)
    os.close(theirs)
    invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), handles)
    print(f"{who} {mode}s {what}", flush=True)


def on_bus(connection, name):
    node = Gio.DBusNodeInfo.new_for_xml(INTERFACE)
    connection.register_object("/org/freedesktop/login1", node.interfaces[0], called, None, None)


Gio.bus_own_name(
    Gio.BusType.SESSION,
    "org.freedesktop.login1",
    Gio.BusNameOwnerFlags.NONE,
    on_bus,
    lambda *_: print("ready", flush=True),
    None,
)
GLib.MainLoop().run()
