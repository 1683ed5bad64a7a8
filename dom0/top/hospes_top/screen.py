# SPDX-License-Identifier: MIT
"""The screen and its keys. Looks come from the watcher's thread by a queue; urwid does the rest."""
import os
import queue
import subprocess
import sys
import termios
import threading
import time

import urwid

from hospes_top import rates, texts, toolstack
from hospes_top.actions import ACTIONS, CONTROL_DOMAIN_NAME, action_of, refusal

PALETTE = [("heading", "black", "light gray"), ("chosen", "standout", ""), ("trouble", "light red", "")]
KEYS = "  ".join(f"{action.key} {action.title}" for action in ACTIONS) + "  o order  q quit"


class Row(urwid.Text):
    """A guest's, which can be chosen."""
    _selectable = True

    def __init__(self, guest, traffic):
        super().__init__(texts.row(guest, traffic), wrap="clip")
        self.guest = guest

    def keypress(self, _size, key):
        return key


class Screen:
    def __init__(self, interval):
        self._oldest = 3 * interval + 5  # seconds, of a look at which keys still act
        self._watcher = toolstack.Watcher(interval, self._note_look, self._note)
        self._news = queue.Queue()
        self._before = self._look = None
        self._order = 0
        self._question = None  # a guest's name and number, and a command, until it is answered
        self._acted_on = set()  # domains' numbers, until the next look shows what became of it

        self._title = urwid.Text("hospes-top", wrap="clip")
        self._processors = urwid.Text("", wrap="clip")
        self._memory = urwid.Text("", wrap="clip")
        self._rows = urwid.SimpleFocusListWalker([])
        self._exits = urwid.Text("", wrap="clip")
        self._said = urwid.Text("", wrap="clip")
        top = urwid.Pile([urwid.AttrMap(self._title, "heading"), self._processors, self._memory, urwid.Divider(),
                          urwid.AttrMap(urwid.Text(texts.heading(), wrap="clip"), "heading")])
        bottom = urwid.Pile([self._exits, urwid.AttrMap(self._said, "trouble"),
                             urwid.AttrMap(urwid.Text(KEYS, wrap="clip"), "heading")])
        self._loop = urwid.MainLoop(urwid.Frame(urwid.ListBox(self._rows), header=top, footer=bottom), PALETTE,
                                    unhandled_input=self._on_key, handle_mouse=False)
        self._pipe = self._loop.watch_pipe(self._on_news)

    def run(self):
        """Until the user has enough. Returns the exit status: 1 if nothing could be shown at all."""
        self._watcher.start()
        try:
            self._loop.run()
        except KeyboardInterrupt:
            pass
        finally:
            self._watcher.stop()
        return 0 if self._look else 1

    # --- from other threads ---

    def _note_look(self, look):
        self._tell(look)

    def _note(self, text):
        self._tell(text)

    def _tell(self, news):
        self._news.put(news)
        os.write(self._pipe, b"!")

    def _on_news(self, _):
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, str):
                self._said.set_text(news)
            else:
                self._before, self._look = self._look or news, news
                self._show()
        return True

    # --- showing ---

    def _width(self):
        return self._loop.screen.get_cols_rows()[0]

    def _show(self):
        before, look = self._before, self._look
        self._acted_on.clear()
        host = look.host
        self._title.set_text(f"hospes-top  {host.name}  {host.hypervisor}  {host.cpus} CPUs  "
                             f"{len(look.guests)} domains, by {texts.ORDERS[self._order][0]}")
        self._processors.set_text(self._in_columns(texts.processors(rates.cpu_loads(before, look))))
        self._memory.set_text(texts.memory(host))
        self._exits.set_text(texts.exits(rates.exit_rates(before, look), self._width()))
        self._show_guests(rates.traffic(before, look))

    def _in_columns(self, items):
        widest = max((len(item) for item in items), default=0) + 2
        count = max(self._width() // widest, 1)
        lines = [items[first:first + count] for first in range(0, len(items), count)]
        return "\n".join("".join(item.ljust(widest) for item in line).rstrip() for line in lines)

    def _chosen(self):
        return self._rows[self._rows.focus].original_widget.guest if self._rows else None

    def _show_guests(self, traffic):
        """The one that is chosen stays so, wherever its row is by now."""
        chosen = self._chosen()
        guests = sorted(self._look.guests, key=texts.ORDERS[self._order][1])
        self._rows[:] = [urwid.AttrMap(Row(guest, traffic.get(guest.name, rates.Traffic())), None, "chosen")
                         for guest in guests]
        names = [guest.name for guest in guests]
        if chosen:  # one that has gone leaves dom0, to which keys do nothing
            stays = chosen.name if chosen.name in names else CONTROL_DOMAIN_NAME
            self._rows.set_focus(names.index(stays) if stays in names else 0)

    # --- keys ---

    def _on_key(self, key):
        if self._question:
            self._answer(key)
        elif key in ("q", "Q"):
            raise urwid.ExitMainLoop()
        elif key == "o" and self._look:
            self._order = (self._order + 1) % len(texts.ORDERS)
            self._show()
        elif self._chosen() and action_of(key):
            self._begin(action_of(key), self._chosen())

    def _begin(self, action, guest):
        number = self._look.numbers.get(guest.name)
        refused = refusal(number)
        if time.monotonic() - self._look.time > self._oldest:
            refused = "these figures are old: wait for new ones"
        elif number in self._acted_on:
            refused = f"{guest.name}: wait until it is seen what became of the last key"
        self._said.set_text(refused or "")
        if refused:
            return
        command = action.command(guest, str(number))
        if action.asks:
            self._question = guest.name, number, command
            self._said.set_text(f"{action.title} {guest.name}? y, or any other key")
        elif action.takes_terminal:
            self._lend_terminal(guest.name, command)
        else:
            self._do(guest.name, number, command)

    def _answer(self, key):
        (name, number, command), self._question = self._question, None
        self._said.set_text("")
        if key == "y":
            self._do(name, number, command)

    def _do(self, name, number, command):
        self._acted_on.add(number)

        def work():
            try:
                toolstack.run(*command)
                self._note(f"{name}: {' '.join(command[:2])}: done")
            except toolstack.Trouble as trouble:
                self._note(f"{name}: {trouble}")
        threading.Thread(target=work, daemon=True).start()

    def _lend_terminal(self, name, command):
        self._loop.stop()
        print(f"\nThe console of {name}. Ctrl-] leads back.\n", flush=True)
        status = subprocess.call(command)
        termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what a terminal answers to a guest is no key
        self._loop.start()
        if status != 0:
            self._said.set_text(f"{name}: its console cannot be had")
