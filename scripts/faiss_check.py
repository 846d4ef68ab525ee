#!/usr/bin/env python3
"""FAISS IVFFlat on the files that `vector-bench recall` reads, for comparison.

Usage: faiss_check.py --data DIR [--nlist N] [--nprobe 1,2,4,8,16,32,64] [--limit 1000]

DIR holds base.fbin, query.fbin and gt100.ibin. Prints one JSON line a point, with the fields of
`vector-bench recall --json`: recall10, qps_one, qps_batch, build_s. One thread searches.
Needs numpy and faiss-cpu. Cosine distance, so the rows should have unit length.
"""

import argparse
import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faiss
import numpy


def table(path, kind):
    rows, columns = (int(side) for side in numpy.fromfile(path, "<u4", 2))
    return numpy.fromfile(path, kind, rows * columns, offset=8).reshape(rows, columns)


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
    base = table(options.data + "/base.fbin", "<f4")
    queries = table(options.data + "/query.fbin", "<f4")[: options.limit]
    truth = table(options.data + "/gt100.ibin", "<i4")[: options.limit]
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
