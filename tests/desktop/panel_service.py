#!/usr/bin/env python3
"""Stands in for a desktop's panel: says what the tray icon looks like and offers whenever that changes, and what is
notified. SIGUSR1 chooses the first thing the tray's menu offers, SIGUSR2 the last.

The protocols are freedesktop's StatusNotifierItem and Desktop Notifications, and Canonical's dbusmenu."""

import hashlib
import signal
import sys
from pathlib import Path

from gi.repository import Gio, GLib

PANEL = """<node><interface name="org.kde.StatusNotifierWatcher">
  <method name="RegisterStatusNotifierItem"><arg direction="in" type="s"/></method>
  <method name="RegisterStatusNotifierHost"><arg direction="in" type="s"/></method>
  <property name="RegisteredStatusNotifierItems" type="as" access="read"/>
  <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
  <property name="ProtocolVersion" type="i" access="read"/>
</interface></node>"""
NOTICES = """<node><interface name="org.freedesktop.Notifications">
  <method name="Notify">
    <arg direction="in" type="s"/><arg direction="in" type="u"/><arg direction="in" type="s"/><arg direction="in" type="s"/>
    <arg direction="in" type="s"/><arg direction="in" type="as"/><arg direction="in" type="a{sv}"/><arg direction="in" type="i"/>
    <arg direction="out" type="u"/>
  </method>
  <method name="GetCapabilities"><arg direction="out" type="as"/></method>
  <method name="GetServerInformation">
    <arg direction="out" type="s"/><arg direction="out" type="s"/><arg direction="out" type="s"/><arg direction="out" type="s"/>
  </method>
</interface></node>"""


class Tray:
    """The one icon, the menu behind it, and what was said of both."""

    def __init__(self):
        self.bus = self.owner = self.item = self.menu = self.told = None
        self.offered = []

    def ask(self, path, interface, method, arguments, then):
        def answered(bus, result):
            try:
                then(bus.call_finish(result).unpack())
            except GLib.Error:
                pass  # The program is on its way out, or there is no menu yet.

        self.bus.call(self.owner, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, 5000, None, answered)

    def take_up(self, bus, owner, path):
        self.bus, self.owner, self.item = bus, owner, path
        bus.signal_subscribe(owner, None, None, None, None, Gio.DBusSignalFlags.NONE, lambda *_: self.look())
        self.look()

    def look(self):
        wanted = GLib.Variant("(s)", ("org.kde.StatusNotifierItem",))
        self.ask(self.item, "org.freedesktop.DBus.Properties", "GetAll", wanted, self.look_at_menu)

    def look_at_menu(self, answer):
        (properties,) = answer
        self.menu = properties.get("Menu")
        layout = GLib.Variant("(iias)", (0, -1, []))
        if self.menu:
            icon = properties.get("IconName", "")
            self.ask(self.menu, "com.canonical.dbusmenu", "GetLayout", layout, lambda found: self.tell(icon, found))

    def tell(self, icon, found):
        _, (_, _, entries) = found
        labels = [(number, each["label"], each.get("enabled", True)) for number, each, _ in entries if each.get("label")]
        self.offered = [number for number, _, enabled in labels if enabled]
        try:
            picture = hashlib.sha256(Path(icon).read_bytes()).hexdigest()[:8]
        except OSError:
            return  # The file of the picture is being replaced; a signal says when there is another.
        told = " | ".join(["tray", picture, *(label for _, label, _ in labels)])
        if told != self.told:
            self.told = told
            print(told, flush=True)

    def choose(self, place):
        event = GLib.Variant("(isvu)", (self.offered[place], "clicked", GLib.Variant("i", 0), 0))
        self.ask(self.menu, "com.canonical.dbusmenu", "Event", event, lambda _: None)
        return GLib.SOURCE_CONTINUE


tray = Tray()


def called(bus, sender, path, interface, method, arguments, invocation):
    given = arguments.unpack()
    if method == "RegisterStatusNotifierItem":
        invocation.return_value(None)
        tray.take_up(bus, sender, given[0] if given[0].startswith("/") else "/StatusNotifierItem")
    elif method == "Notify":
        print(f"notice | {given[3]} | {given[4]}", flush=True)
        invocation.return_value(GLib.Variant("(u)", (1,)))
    elif method == "GetCapabilities":
        invocation.return_value(GLib.Variant("(as)", (["body"],)))
    elif method == "GetServerInformation":
        invocation.return_value(GLib.Variant("(ssss)", ("panel", "labferry", "1", "1.2")))
    else:
        invocation.return_value(None)


def property_of(bus, sender, path, interface, name):
    return {
        "RegisteredStatusNotifierItems": GLib.Variant("as", []),
        "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
        "ProtocolVersion": GLib.Variant("i", 0),
    }[name]


def on_bus(bus, name):
    for path, description in (("/StatusNotifierWatcher", PANEL), ("/org/freedesktop/Notifications", NOTICES)):
        bus.register_object(path, Gio.DBusNodeInfo.new_for_xml(description).interfaces[0], called, property_of, None)


Gio.bus_own_name(Gio.BusType.SESSION, "org.freedesktop.Notifications", Gio.BusNameOwnerFlags.NONE, None, None, None)
Gio.bus_own_name(
    Gio.BusType.SESSION,
    "org.kde.StatusNotifierWatcher",
    Gio.BusNameOwnerFlags.NONE,
    on_bus,
    lambda *_: print("ready", flush=True),
    None,
)
# A test that waits for what never comes must end.
GLib.timeout_add_seconds(180, sys.exit)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, tray.choose, 0)
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR2, tray.choose, -1)
GLib.MainLoop().run()
