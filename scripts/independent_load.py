#!/usr/bin/env python3
"""Sends queries to a vector-server at a Poisson rate and prints latency percentiles.

An independent check of `vector-bench latency`: one thread on plain sockets, HTTP by hand, every
latency counted from the intended start and kept, percentiles by sorting.

    scripts/independent_load.py --socket S --data fixtures/lectures --rate 200 --duration 30

What it took to be a fair clock:
- ppoll(2) by way of ctypes, because the timeouts of Python's epoll and asyncio are whole milliseconds:
  every request began up to 1 ms late, and a latency counts from when it should have begun;
- requests encoded before the start, with nine digits a number: the shortest text of the double that a
  float32 becomes is twice as long, and the server's work on a query is mostly reading it;
- no garbage collector while the clock runs.
"""

import argparse
import collections
import ctypes
import gc
import json
import random
import socket
import struct
import sys
import time

POLLIN = 1
TIMEOUT_NS = 10_000_000_000


class PollFD(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


class TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


LIBC = ctypes.CDLL(None, use_errno=True)


def requests(directory, collection, limit):
    """Whole requests, one for each query vector, each in the partition of some chunk."""
    with open(f"{directory}/queries.fbin", "rb") as file:
        count, dimension = struct.unpack("<II", file.read(8))
        rows = list(struct.iter_unpack(f"<{dimension}f", file.read(4 * count * dimension)))
    with open(f"{directory}/chunks.jsonl", encoding="utf-8") as file:
        creators = [json.loads(line)["creator_id"] for line in file]
    for row in rows:
        vector = ",".join("%.9g" % value for value in row)
        creator = json.dumps(random.choice(creators))
        body = f'{{"vector":[{vector}],"partition":{creator},"limit":{limit}}}'
        head = (
            f"POST /v1/collections/{collection}/query HTTP/1.1\r\nhost: localhost\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        yield (head + body).encode()


class Connection:
    """One request at a time on a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.intended = None
        self.received = 0
        self.bytes = b""

    def send(self, request, intended):
        self.intended, self.bytes = intended, b""
        self.socket.sendall(request)

    def receive(self):
        """Whether the answer is complete; None when the server closed the connection. Notes when the last
        part came, before it is looked at."""
        try:
            part = self.socket.recv(1 << 18, socket.MSG_DONTWAIT)
            self.received = time.perf_counter_ns()
        except BlockingIOError:
            return False
        except OSError:
            return None
        if not part:
            return None
        self.bytes += part
        head, end, body = self.bytes.partition(b"\r\n\r\n")
        if not end:
            return False
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return len(body) >= length

    def is_good(self):
        head, _, body = self.bytes.partition(b"\r\n\r\n")
        return head.startswith(b"HTTP/1.1 200") and body.startswith(b'{"matches":[{')


def run(options):
    """Latencies and latenesses in nanoseconds, and the number of errors."""
    everything = list(requests(options.data, options.collection, options.limit))
    connections = [Connection(options.socket) for _ in range(options.connections)]
    table = (PollFD * len(connections))()
    for entry, connection in zip(table, connections):
        entry.fd, entry.events = connection.socket.fileno(), POLLIN
    free = collections.deque(range(len(connections)))
    waiting = collections.deque()
    latencies, lateness, errors = [], [], 0
    clock = time.perf_counter_ns
    gc.collect()
    gc.freeze()
    gc.disable()
    start = clock()
    end = start + int(options.duration * 1e9)
    arrival = start + int(random.expovariate(options.rate) * 1e9)
    while True:
        now = clock()
        while arrival <= now and arrival < end:
            lateness.append(now - arrival)
            waiting.append((arrival, random.choice(everything)))
            arrival += int(random.expovariate(options.rate) * 1e9)
        while waiting and free:
            intended, request = waiting.popleft()
            connections[free.popleft()].send(request, intended)
        busy = len(connections) - len(free)
        if arrival >= end and not busy and not waiting:
            break
        if now > end + TIMEOUT_NS:
            errors += busy + len(waiting)
            break
        # A free connection wakes the wait only when the server closes it.
        pause = max(0, min(arrival if arrival < end else now + 10_000_000, now + TIMEOUT_NS) - now)
        limit = TimeSpec(pause // 1_000_000_000, pause % 1_000_000_000)
        if LIBC.ppoll(table, len(table), ctypes.byref(limit), None) <= 0:
            continue
        for place, entry in enumerate(table):
            if not entry.revents:
                continue
            connection = connections[place]
            answer = connection.receive()
            if answer is False:
                continue
            if answer and connection.is_good():
                latencies.append(connection.received - connection.intended)
            else:
                errors += connection.intended is not None
            if answer is None:
                entry.fd = -1  # poll(2) leaves negative descriptors alone.
            else:
                connection.intended = None
                free.append(place)
    return sorted(latencies), sorted(lateness), errors


def percentile(values, percent):
    """The nearest rank."""
    return values[max(0, -(-len(values) * percent // 100) - 1)] / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", required=True)
    parser.add_argument("--data", default="fixtures/lectures")
    parser.add_argument("--collection", default="lectures")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--duration", type=float, default=30)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    random.seed(options.seed)
    latencies, lateness, errors = run(options)
    if not latencies:
        sys.exit(f"independent_load: no answer, {errors} errors")
    figures = {f"p{percent}": percentile(latencies, percent) for percent in (50, 90, 95, 99)}
    figures["max"] = latencies[-1] / 1e6
    figures["lateness_p99"] = percentile(lateness, 99)
    counts = {"answers": len(latencies), "errors": errors}
    if options.json:
        print(json.dumps(figures | counts))
        return
    for name, value in figures.items():
        print(f"{name} {value:.3f} ms")
    print(f"answers {len(latencies)} errors {errors}")


if __name__ == "__main__":
    main()
