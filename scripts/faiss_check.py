#!/usr/bin/env python3
"""FAISS IVFFlat on the files that `vector-bench` reads, with nothing of its code: NumPy reads the files,
and the truth is computed here, by brute force in double precision.

Usage: faiss_check.py --data DIR [--nlist N] [--nprobe 1,2,4,8,16,32,64] [--limit 1000]

DIR holds base.fbin or base.f16bin, queries.fbin and truth100.ibin. Recall is judged by the brute force, and
the truth file is held against it: a neighbour of the file that is farther than the tenth nearest row is
an error (exit code 1). Prints one JSON line a point, with the fields of `vector-bench peer`. One thread
searches. Rows and queries are scaled to unit length. Needs numpy and faiss-cpu.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faiss
import numpy


def table(path, kind):
    rows, columns = (int(side) for side in numpy.fromfile(path, "<u4", 2))
    return numpy.fromfile(path, kind, rows * columns, offset=8).reshape(rows, columns)


def vectors(directory, name):
    """The vectors of a file of half or single precision, scaled to unit length in double precision."""
    path = f"{directory}/{name}.fbin"
    is_single = os.path.exists(path)
    rows = table(path if is_single else f"{directory}/{name}.f16bin", "<f4" if is_single else "<f2")
    rows = rows.astype("<f8")
    return rows / numpy.linalg.norm(rows, axis=1, keepdims=True)


def nearest(base, queries, depth):
    """The rows nearest to each query, and how similar they are; equal ones by their number."""
    rows, similarities = [], []
    for start in range(0, len(queries), 100):
        products = queries[start : start + 100] @ base.T
        # Some more than are wanted, for those that are as near as the last; then by number in their order.
        part = numpy.sort(numpy.argpartition(-products, depth + 30, axis=1)[:, : depth + 30], axis=1)
        values = numpy.take_along_axis(products, part, axis=1)
        order = numpy.argsort(-values.round(12), axis=1, kind="stable")[:, :depth]
        rows.append(numpy.take_along_axis(part, order, axis=1))
        similarities.append(numpy.take_along_axis(values, order, axis=1))
    return numpy.concatenate(rows), numpy.concatenate(similarities)


def check(base, queries, truth, similarities, depth):
    """Ends the program where the truth file names a row that is not among the nearest."""
    if len(truth) < len(queries) or truth.shape[1] < depth:
        sys.exit(f"faiss_check: the truth file has {truth.shape}, of {len(queries)} queries")
    if truth[:, :depth].min() < 0 or truth[:, :depth].max() >= len(base):
        sys.exit("faiss_check: the truth file names rows that are not there")
    for query, (rows, nearest_ones) in enumerate(zip(truth[:, :depth], similarities)):
        farthest = float((base[rows] @ queries[query]).min())
        if len(set(rows)) != depth or farthest < nearest_ones[depth - 1] - 1e-9:
            sys.exit(f"faiss_check: query {query}: the truth file is wrong: {farthest} where the"
                     f" {depth}th nearest has {nearest_ones[depth - 1]}")


def recall(found, truth, depth):
    pairs = zip(found[:, :depth], truth[:, :depth])
    return float(numpy.mean([len(set(a) & set(b)) / depth for a, b in pairs]))


def median_rate(run, count, runs):
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        rates.append(count / (time.perf_counter() - start))
    return sorted(rates)[len(rates) // 2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--nlist", type=int)
    parser.add_argument("--nprobe", default="1,2,4,8,16,32,64")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--build-threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    base = vectors(options.data, "base")
    queries = vectors(options.data, "queries")[: options.limit]
    truth, similarities = nearest(base, queries, 10)
    file = table(options.data + "/truth100.ibin", "<i4")[: options.limit]
    check(base, queries, file, similarities, 10)
    print(f"faiss_check: the truth of {len(queries)} queries is that of brute force", file=sys.stderr)
    base, queries = base.astype("<f4"), queries.astype("<f4")
    count, dimension = base.shape
    nlist = options.nlist or int(2 ** round(numpy.log2(4 * numpy.sqrt(count))))
    faiss.omp_set_num_threads(options.build_threads)
    start = time.perf_counter()
    index = faiss.index_factory(dimension, f"IVF{nlist},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(base)
    index.add(base)
    seconds = time.perf_counter() - start
    size = len(faiss.serialize_index(index))
    faiss.omp_set_num_threads(1)
    for nprobe in (int(text) for text in options.nprobe.split(",")):
        if nprobe > nlist:
            continue
        index.nprobe = nprobe
        found = index.search(queries, 10)[1]
        faiss.cvar.indexIVF_stats.reset()
        index.search(queries, 10)
        rows = faiss.cvar.indexIVF_stats.ndis / len(queries)
        one = median_rate(
            lambda: [index.search(query[None], 10) for query in queries],
            len(queries),
            options.runs,
        )
        batch = median_rate(lambda: index.search(queries, 10), len(queries), options.runs)
        point = {
            "peer": "faiss-ivfflat",
            "build": f"ivfflat nlist {nlist}",
            "params": {"nprobe": nprobe},
            "recall10": recall(found, truth, 10),
            "recalls": {"1": recall(found, truth, 1), "10": recall(found, truth, 10)},
            "qps_one": one,
            "qps_batch": batch,
            "rows_scanned": rows,
            "build_s": seconds,
            "bytes": size,
        }
        print(json.dumps(point), flush=True)


if __name__ == "__main__":
    main()
