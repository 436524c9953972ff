#!/usr/bin/env python3
"""Follows the tasks of one user from Python, over a plain WebSocket, with the standard library alone.

It does what docs/protocol.md asks of a client: enter the user's channel, then fetch, then merge by revision; after a lost
connection the same again. It prints a line for each change. Encrypted channels need a cipher that Python does not have.

It needs Python 3.10 or newer:

    python3 follow.py https://app.example.com/tasks --header "Authorization: Bearer ..."
"""

import argparse
import base64
import json
import os
import random
import socket
import ssl
import struct
import time
import urllib.error
import urllib.parse
import urllib.request

SILENT_S = 15  # An active task of which nothing was heard for this long is fetched.
PONG_S = 30  # The bus may take this long to answer a ping.
MAX_WAIT_S = 30  # The longest wait before the next try to connect.


class Lost(Exception):
    """The connection to the bus is gone; connect again."""


class WebSocket:
    """A client for text messages (RFC 6455). `receive` returns None where nothing came in time."""

    def __init__(self, host, port, path, secure):
        self.socket = socket.create_connection((host, port), timeout=10)
        if secure:
            self.socket = ssl.create_default_context().wrap_socket(self.socket, server_hostname=host)
        self.buffer, self.parts = b"", b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self._read()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101"):
            raise Lost(f"the bus answered {head.splitlines()[0].decode()}")

    def send(self, text, opcode=1):
        """Sends one frame, of at most 65,535 bytes."""
        data, mask = text.encode(), os.urandom(4)
        if len(data) < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | len(data))
        else:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(data))
        self.socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def receive(self, seconds):
        self.socket.settimeout(seconds)
        while True:
            frame = self._take_frame()
            if frame is None:
                try:
                    self._read()
                except TimeoutError:
                    return None
                continue
            is_last, opcode, data = frame
            if opcode == 8:
                raise Lost(f"the bus closed the connection ({int.from_bytes(data[:2], 'big')})")
            if opcode == 9:
                self.send(data.decode(), opcode=10)
            if opcode in (0, 1):
                self.parts += data
                if is_last:
                    text, self.parts = self.parts.decode(), b""
                    return text

    def _take_frame(self):
        """(is last, opcode, data) of the next frame; None where it has not arrived whole."""
        if len(self.buffer) < 2:
            return None
        size, at = self.buffer[1] & 0x7F, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(self.buffer) < at:
                return None
            size = int.from_bytes(self.buffer[2:at], "big")
        if len(self.buffer) < at + size:
            return None
        first, data = self.buffer[0], self.buffer[at : at + size]
        self.buffer = self.buffer[at + size :]
        return first & 0x80, first & 0x0F, data

    def _read(self):
        data = self.socket.recv(65536)
        if not data:
            raise Lost("the bus is gone")
        self.buffer += data


class Tasks:
    """What is known of the user's tasks. Snapshots may come late, twice or in any order."""

    def __init__(self, show):
        # By task id: the newest snapshot, when the last one came, and since when the outcome is seen.
        self.show, self.known, self.heard, self.seen = show, {}, {}, {}

    def drop(self, ids):
        for id in ids:
            self.known.pop(id, None)

    def merge(self, task):
        """Takes a snapshot; returns whether it told news. An outcome beats an active status, then the higher revision wins."""
        before = self.known.get(task["id"])
        self.heard[task["id"]] = time.monotonic()
        if before and rank(task) <= rank(before):
            return False
        if task["finishedAt"] and not task["seenAt"]:
            task["seenAt"] = self.seen.get(task["id"])
        self.known[task["id"]] = task
        self.show(task)
        return True

    def mark_seen(self, ids, seen_at):
        for id in ids:
            self.seen[id] = seen_at
            if id in self.known and self.known[id]["finishedAt"]:
                self.known[id]["seenAt"] = self.known[id]["seenAt"] or seen_at

    def active(self):
        return [id for id, task in self.known.items() if not task["finishedAt"]]

    def silent(self):
        return [id for id in self.active() if time.monotonic() - self.heard[id] > SILENT_S]


def rank(task):
    """What decides between two snapshots of one task: the greater one is kept."""
    return (bool(task["finishedAt"]), task["revision"], not task["resultOmitted"])


class Follower:
    """Keeps one connection to the bus, and the tasks of one user up to date. `show` gets each snapshot that is news."""

    def __init__(self, url, headers, show):
        self.url, self.headers, self.show = url.rstrip("/"), headers, show
        self.channel, self.tasks = None, Tasks(show)

    def run(self):
        """Follows for ever."""
        failures = 0
        while True:
            try:
                self.connect()
                failures = 0
                self.listen()
            except (Lost, OSError) as error:  # URLError and TimeoutError are OSErrors.
                failures += 1
                wait = min(2 ** (failures - 1), MAX_WAIT_S) * random.uniform(0.5, 1)
                print(f"lost: {error}; again in {wait:.1f} s", flush=True)
                time.sleep(wait)

    def connect(self):
        """Subscribes, then fetches, then merges."""
        info = self.ask("/connection")
        if info["channel"] != self.channel:
            # Somebody else is signed in.
            self.channel, self.tasks = info["channel"], Tasks(self.show)
        if self.channel.startswith("private-encrypted-"):
            raise SystemExit("This example cannot read encrypted channels.")
        secure = info["forceTLS"]
        host = info["wsHost"] or f"ws-{info['cluster']}.pusher.com"
        port = (info["wssPort"] or 443) if secure else (info["wsPort"] or 80)
        path = f"/app/{info['key']}?protocol=7&client=python&version=1.0.0"
        self.socket = WebSocket(host, port, path, secure)
        opened = self.expect("pusher:connection_established")
        form = {"socket_id": opened["socket_id"], "channel_name": self.channel}
        auth = self.ask(urllib.parse.urljoin(self.url, info["authEndpoint"]), form)["auth"]
        self.send("pusher:subscribe", {"channel": self.channel, "auth": auth})
        self.expect("pusher_internal:subscription_succeeded")
        self.fetch_all()
        print("live", flush=True)

    def listen(self):
        """Takes events until the connection is lost, and fetches tasks that are silent."""
        pinged_at = None
        while True:
            event = self.next_event(5)
            if event is not None:
                pinged_at = None
                self.take(*event)
            elif pinged_at is None:
                pinged_at = time.monotonic()
                self.send("pusher:ping", {})
            elif time.monotonic() - pinged_at > PONG_S:
                raise Lost("the bus is silent")
            for id in self.tasks.silent():
                if self.fetch(id):
                    raise Lost("push brought no news, though there was some")

    def take(self, name, data, channel):
        if channel != self.channel or not name.startswith("task."):
            return
        if name == "task.seen":
            self.tasks.mark_seen(data["ids"], data["seenAt"])
        elif name == "task.dismissed":
            self.tasks.drop(data["ids"])
        elif name == "task.session":
            raise Lost("somebody signed out")
        elif "status" in data and self.tasks.merge(data) and data["resultOmitted"]:
            self.fetch(data["id"])

    def fetch_all(self):
        """Fetches all tasks that are active or unseen, and those that were active and are in neither list any more."""
        missing = set(self.tasks.active())
        for state in ("active", "unseen"):
            cursor = ""
            while cursor is not None:
                page = self.ask(f"?state={state}&limit=100" + (f"&cursor={cursor}" if cursor else ""))
                for task in page["tasks"]:
                    missing.discard(task["id"])
                    self.tasks.merge(task)
                cursor = page["nextCursor"]
        for id in missing:
            self.fetch(id)

    def fetch(self, id):
        """Fetches one task, with its whole result; returns whether that told news."""
        try:
            return self.tasks.merge(self.ask(f"/{id}"))
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            gone = self.tasks.known.pop(id)
            self.show({**gone, "status": "gone"})
            return False

    def ask(self, path, form=None):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        url = path if path.startswith("http") else self.url + path
        with urllib.request.urlopen(urllib.request.Request(url, data, self.headers), timeout=10) as answer:
            channel = answer.headers["Inloop-Channel"]
            if path != "/connection" and channel != self.channel:
                raise Lost("somebody else is signed in")
            return json.load(answer)

    def send(self, event, data):
        self.socket.send(json.dumps({"event": event, "data": data}))

    def next_event(self, seconds):
        """(name, data, channel) of the next event; None where none came in time."""
        text = self.socket.receive(seconds)
        if text is None:
            return None
        message = json.loads(text)
        name, data = message["event"], message.get("data")
        if name == "pusher:ping":
            self.send("pusher:pong", {})
        if name in ("pusher:error", "pusher:subscription_error"):
            raise Lost(f"{name} {data}")
        return name, json.loads(data) if isinstance(data, str) else data, message.get("channel")

    def expect(self, wanted):
        """The data of the next event named `wanted`. Events before it are taken as usual."""
        while True:
            event = self.next_event(10)
            if event is None:
                raise Lost(f"no {wanted}")
            if event[0] == wanted:
                return event[1]
            self.take(*event)


def show(task):
    progress = task["progress"]
    count = f" {progress['done']}/{progress['total'] or '?'}" if progress else ""
    print(f"{task['title']}: {task['status']}{count}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Follows the tasks of one user.")
    parser.add_argument("url", help="where the task router is: https://app.example.com/tasks")
    parser.add_argument("--header", action="append", default=[], help="who you are: 'Authorization: Bearer ...'")
    options = parser.parse_args()
    headers = dict(header.split(": ", 1) for header in options.header)
    try:
        Follower(options.url, headers, show).run()
    except KeyboardInterrupt:
        pass
