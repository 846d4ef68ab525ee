"""What the wire costs: one client beside a minimal echo server, JSON beside packed vectors, and many
clients beside pgvector through psycopg. Called by scripts/bench-wire.sh; prints one JSON line a figure."""

import argparse
import array
import json
import multiprocessing
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time


def fbin(path, limit=None):
    with open(path, "rb") as file:
        count, dimension = struct.unpack("<II", file.read(8))
        count = min(count, limit or count)
        values = array.array("f", file.read(4 * count * dimension))
    return [values[i * dimension : (i + 1) * dimension] for i in range(count)]


def u16bin(path):
    return array.array("H", open(path, "rb").read())


def truth(path, limit):
    with open(path, "rb") as file:
        count, k = struct.unpack("<II", file.read(8))
        rows = array.array("i", file.read(4 * count * k))
    return [list(rows[i * k : (i + 1) * k]) for i in range(min(limit, count))]


def decimal(vector):
    """The vector with the digits that float32 has, as a client of numpy sends it."""
    return "[" + ",".join(format(value, ".8g") for value in vector) + "]"


def request(path, body, kind):
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests(form, vectors, partitions, k, collection="bench"):
    path = f"/v1/collections/{collection}/query"
    for index, vector in enumerate(vectors):
        place = partitions[index] if partitions else None
        if form == "packed":
            where = f"&partition={place}" if partitions else ""
            yield request(
                f"{path}?limit={k}{where}", vector.tobytes(), "application/octet-stream"
            )
        else:
            where = f',"partition":"{place}"' if partitions else ""
            body = f'{{"vector":{decimal(vector)}{where},"limit":{k}}}'
            yield request(path, body.encode(), "application/json")


def write_exchanges(path, items):
    with open(path, "wb") as file:
        for item in items:
            file.write(struct.pack("<II", len(item), 0) + item)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def ask(wire, path, exchanges, count, out="-"):
    result = subprocess.run(
        [wire, "ask", path, exchanges, str(count), out], capture_output=True, text=True, check=True
    )
    rows = [[float(value) / 1e3 for value in line.split()] for line in result.stdout.splitlines()]
    return [list(column) for column in zip(*rows)]


class Server:
    """vector-server on a store."""

    def __init__(self, binary, store, work):
        self.socket = work + "/vector.sock"
        self.log = open(work + "/server.log", "ab")
        self.process = subprocess.Popen(
            [binary, "serve", "--data", store, "--socket", self.socket],
            stdout=self.log,
            stderr=self.log,
        )
        for _ in range(600):
            if self.process.poll() is not None:
                sys.exit("the server ended: " + open(work + "/server.log").read())
            try:
                socket.socket(socket.AF_UNIX).connect(self.socket)
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server did not come up")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Echo:
    def __init__(self, wire, exchanges, work, busy=0):
        self.socket = work + ("/working.sock" if busy else "/echo.sock")
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = subprocess.Popen([wire, "echo", self.socket, exchanges, str(busy)])
        while not os.path.exists(self.socket):
            time.sleep(0.01)
        time.sleep(0.1)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Connection:
    """One connection of a plain client."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def send(self, item):
        self.socket.sendall(item)
        data = self.socket.recv(1 << 20)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.socket.recv(1 << 20)
        head = data[:end].lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start:].split(b"\r", 1)[0])
        while len(data) < end + 4 + length:
            data += self.socket.recv(1 << 20)
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(data[:300])
        return json.loads(data[end + 4 :])


def show(**figures):
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()}), flush=True)


def pin(process, cpus):
    """Puts a process, threads it has already included, on some processors."""
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        os.sched_setaffinity(int(thread), cpus)


def round_trips(arguments, server, work, form, place):
    """One client, warm: the server and two echoes in turns, each on the same processors.

    Waking a thread on another processor takes several times what a thread on the same one takes, and the
    system puts a small echo beside its client and a larger server elsewhere. So all are measured in the same
    place: beside the client (`same`), on another processor (`apart`), and where the system puts them (`free`).
    """
    every = os.sched_getaffinity(0)
    first, last = min(every), max(every)
    client = {"free": every, "same": {first}, "apart": {last}}[place]
    there = every if place == "free" else {first}
    vectors = fbin(arguments.queries, arguments.query_limit)
    partitions = u16bin(arguments.query_partitions)
    items = list(requests(form, vectors, partitions, 5))
    raw, sized = work + f"/{form}.raw", work + f"/{form}.sized"
    write_exchanges(raw, items)
    ask(arguments.wire, server.socket, raw, 3 * len(items), sized)
    busy = statistics.median(ask(arguments.wire, server.socket, raw, len(items))[1])
    echoes = {
        "echo": Echo(arguments.wire, sized, work),
        "working echo": Echo(arguments.wire, sized, work, busy),
    }
    for process in [server.process] + [echo.process for echo in echoes.values()]:
        pin(process, there)
    os.sched_setaffinity(0, client)
    samples = {}

    def note(name, values):
        samples.setdefault(name, []).append(statistics.median(values))

    for _ in range(arguments.turns):
        times, searches, both = ask(arguments.wire, server.socket, raw, len(items))
        note("p50_us", times)
        note("p99_us", [percentile(times, 0.99)])
        note("search_p50_us", searches)
        # What is left of each round trip when its own search is taken off.
        note("wire_p50_us", [t - s for t, s in zip(times, searches)])
        note("wire_without_decoding_p50_us", [t - s for t, s in zip(times, both)])
        for name, echo in echoes.items():
            times = ask(arguments.wire, echo.socket, sized, len(items))[0]
            note(name.replace(" ", "_") + "_p50_us", times)
    os.sched_setaffinity(0, every)
    pin(server.process, every)
    for echo in echoes.values():
        echo.stop()
    line = {name: statistics.median(values) for name, values in samples.items()}
    # An echo that works as long as a search before it answers, that time taken off.
    line["working_echo_p50_us"] -= busy
    show(
        figure="round trip",
        place=place,
        form=form,
        k=5,
        **line,
        ratio=line["wire_p50_us"] / line["echo_p50_us"],
        ratio_to_working_echo=line["wire_p50_us"] / line["working_echo_p50_us"],
    )


def forms(arguments, work):
    """A vector of many dimensions as JSON and packed."""
    server = Server(arguments.server, arguments.wide_store, work)
    vectors = fbin(arguments.wide_queries, 500)
    result = {}
    paths = {}
    for form in ("packed", "json"):
        paths[form] = work + f"/wide-{form}.raw"
        write_exchanges(paths[form], requests(form, vectors, None, 5))
        ask(arguments.wire, server.socket, paths[form], 2 * len(vectors))
        result[form] = []
    for _ in range(arguments.turns):
        for form, path in paths.items():
            result[form].append(
                statistics.median(ask(arguments.wire, server.socket, path, len(vectors))[0])
            )
    server.stop()
    packed, text = (statistics.median(result[form]) for form in ("packed", "json"))
    show(
        figure="vector as JSON",
        dimension=len(vectors[0]),
        packed_p50_us=packed,
        json_p50_us=text,
        difference_us=text - packed,
        bytes=os.path.getsize(paths["json"]) // len(vectors),
    )


def client_of_ours(path, items, seconds, first, begin, results):
    connection = Connection(path)
    times, found = [], {}
    begin.wait()
    start_of_all = time.monotonic()
    end = start_of_all + seconds
    index = first
    while time.monotonic() < end:
        number = index % len(items)
        start = time.perf_counter()
        answer = connection.send(items[number])
        times.append(time.perf_counter() - start)
        found[number] = [match["id"] for match in answer["matches"]]
        index += 1
    results.put((times, found, time.monotonic() - start_of_all))


def client_of_postgres(url, parameters, seconds, first, begin, results):
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    times, found = [], {}
    index = first
    statement = (
        "select id from match_video_chunks_mended(%s::vector, %s::int, -2::float, %s::int)"
    )
    with connection.cursor(binary=True) as cursor:
        begin.wait()
        start_of_all = time.monotonic()
        end = start_of_all + seconds
        while time.monotonic() < end:
            number = index % len(parameters)
            start = time.perf_counter()
            rows = cursor.execute(statement, parameters[number], prepare=True).fetchall()
            times.append(time.perf_counter() - start)
            found[number] = [row[0] for row in rows]
            index += 1
    results.put((times, found, time.monotonic() - start_of_all))


def many(client, place, items, truths, seconds, clients, k):
    """`clients` processes that ask and read the answer, again and again, from when all are connected."""
    results = multiprocessing.Queue()
    begin = multiprocessing.Barrier(clients, timeout=60)
    workers = [
        multiprocessing.Process(
            target=client, args=(place, items, seconds, index * 131, begin, results), daemon=True
        )
        for index in range(clients)
    ]
    for worker in workers:
        worker.start()
    outcomes = [results.get(timeout=seconds + 120) for _ in workers]
    for worker in workers:
        worker.join()
    times = [value for outcome in outcomes for value in outcome[0]]
    found = {number: ids for outcome in outcomes for number, ids in outcome[1].items()}
    recall = statistics.mean(
        len(set(ids) & set(truths[number][:k])) / k for number, ids in found.items()
    )
    return dict(
        qps=sum(len(outcome[0]) / outcome[2] for outcome in outcomes),
        p50_ms=percentile(times, 0.5) * 1e3,
        p99_ms=percentile(times, 0.99) * 1e3,
        recall=recall,
        queries=len(times),
    )


def beside_pgvector(arguments, server, work):
    k = 10
    vectors = fbin(arguments.queries, arguments.query_limit)
    partitions = u16bin(arguments.query_partitions)
    truths = truth(arguments.truth, len(vectors))
    items = list(requests("json", vectors, partitions, k))
    parameters = [(decimal(v), partitions[i], k) for i, v in enumerate(vectors)]
    lines = {}

    def measure(name, client, place, what):
        many(client, place, what, truths, 1, arguments.clients, k)
        lines[name] = many(client, place, what, truths, arguments.seconds, arguments.clients, k)
        show(figure="many clients", of=name, clients=arguments.clients, k=k, **lines[name])

    measure("ours over HTTP", client_of_ours, server.socket, items)
    for ef in arguments.ef_search.split(","):
        options = (
            f"-c search_path=vector_bench,public -c hnsw.ef_search={ef}"
            " -c hnsw.iterative_scan=strict_order -c enable_seqscan=off -c jit=off"
        )
        url = f"{arguments.postgres} options='{options}'"
        measure(f"pgvector hnsw ef {ef}", client_of_postgres, url, parameters)
    measure("ours again", client_of_ours, server.socket, items)
    ours = min((lines["ours over HTTP"], lines["ours again"]), key=lambda line: line["qps"])
    for name, line in lines.items():
        if name.startswith("pgvector"):
            show(
                figure="beside pgvector",
                of=name,
                qps_ratio=ours["qps"] / line["qps"],
                p99_share=ours["p99_ms"] / line["p99_ms"],
                recall_ours=ours["recall"],
                recall_pgvector=line["recall"],
            )


def main():
    parser = argparse.ArgumentParser()
    for name in ("server", "wire", "store", "queries", "query-partitions", "truth"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--wide-store")
    parser.add_argument("--wide-queries")
    parser.add_argument("--postgres", help="a connection string; leaves pgvector out without")
    parser.add_argument("--ef-search", default="40")
    parser.add_argument("--query-limit", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="wire-") as work:
        server = Server(arguments.server, arguments.store, work)
        try:
            for form in ("packed", "json") if arguments.turns else ():
                for place in ("free", "same", "apart"):
                    round_trips(arguments, server, work, form, place)
            if arguments.postgres:
                beside_pgvector(arguments, server, work)
        finally:
            server.stop()
        if arguments.wide_store and arguments.turns:
            forms(arguments, work)


main()
