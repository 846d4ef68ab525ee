#!/usr/bin/env python3
"""Sends queries to a vector-server at a Poisson rate and prints latency percentiles.

An independent check of `vector-bench latency`: asyncio on raw sockets, HTTP by hand, latencies
counted from the intended start and sorted, no histogram.

    scripts/independent_load.py --socket S --data fixtures/lectures --rate 200 --duration 30
"""

import argparse
import asyncio
import json
import random
import struct
import time


def bodies(directory, limit):
    """The body of one query for each query vector, each in the partition of some chunk."""
    with open(f"{directory}/queries.fbin", "rb") as file:
        count, dimension = struct.unpack("<II", file.read(8))
        rows = list(struct.iter_unpack(f"<{dimension}f", file.read(4 * count * dimension)))
    with open(f"{directory}/chunks.jsonl", encoding="utf-8") as file:
        creators = [json.loads(line)["creator_id"] for line in file]
    for row in rows:
        query = {"vector": row, "partition": random.choice(creators), "limit": limit}
        yield json.dumps(query).encode()


async def exchange(reader, writer, path, body):
    """Sends one request; whether the answer was good."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
    content = await reader.readexactly(length)
    return answer.startswith(b"http/1.1 200") and content.startswith(b'{"matches":[{')


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", required=True)
    parser.add_argument("--data", default="fixtures/lectures")
    parser.add_argument("--collection", default="lectures")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--duration", type=float, default=30)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    queries = list(bodies(options.data, options.limit))
    path = f"/v1/collections/{options.collection}/query"
    free = asyncio.Queue()
    for _ in range(options.connections):
        free.put_nowait(await asyncio.open_unix_connection(options.socket))
    latencies, errors = [], 0

    async def ask(intended):
        nonlocal errors
        connection = await free.get()
        try:
            good = await asyncio.wait_for(exchange(*connection, path, random.choice(queries)), 10)
            free.put_nowait(connection)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            good = False
        if good:
            latencies.append(time.perf_counter() - intended)
        else:
            errors += 1

    start = intended = time.perf_counter()
    tasks = set()
    while (intended := intended + random.expovariate(options.rate)) < start + options.duration:
        await asyncio.sleep(max(0, intended - time.perf_counter()))
        task = asyncio.create_task(ask(intended))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.wait_for(asyncio.gather(*tasks), 30)
    latencies.sort()
    for name, share in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1)]:
        value = latencies[min(len(latencies) - 1, int(share * len(latencies)))]
        print(f"{name} {value * 1000:.3f} ms")
    print(f"answers {len(latencies)} errors {errors}")


asyncio.run(main())
