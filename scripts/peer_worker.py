#!/usr/bin/env python3
"""Another index library, driven by `vector-bench peer` through standard input and output.

The bench sends the rows and the queries that its own reader read, asks for passes over the queries,
and judges the answers; this program builds the index and takes the time. One thread searches.

Messages are a line of JSON, with bytes behind it where the line says so:
  in   {"peer", "count", "dimension", "queries", "k", "threads"}, then rows and queries as float32
  out  {"build", "build_s", "processor_s", "bytes", "sweep": [{parameter: value}]}
  in   {"params", "batch": true or false, "passes"}
  out  {"seconds", "processor_s"}, then queries x k row numbers as int32, -1 where there are fewer
  in   end of file: the program ends

Needs numpy and the library of the peer: faiss-cpu, hnswlib, usearch, scann or scalable-vs.
"""

import json
import os
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy

POWERS = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def lists(count):
    """As many posting lists as FAISS's guidelines advise, a power of two."""
    return int(2 ** round(numpy.log2(4 * numpy.sqrt(count))))


class Faiss:
    def __init__(self, factory, sweep):
        self.build, self.sweep = factory, sweep

    def make(self, rows, threads):
        import faiss

        self.faiss = faiss
        faiss.omp_set_num_threads(threads)
        self.index = faiss.index_factory(rows.shape[1], self.build, faiss.METRIC_INNER_PRODUCT)
        self.index.train(rows)
        self.index.add(rows)
        faiss.omp_set_num_threads(1)
        return len(faiss.serialize_index(self.index))

    def set(self, params):
        for name, value in params.items():
            self.faiss.ParameterSpace().set_index_parameter(self.index, name, value)

    def one(self, query, k):
        return self.index.search(query[None], k)[1][0]

    def batch(self, queries, k):
        return self.index.search(queries, k)[1]


class HNSWLib:
    build = "M16 efc200"
    sweep = [{"ef": ef} for ef in (10, 20, 40, 80, 160, 320)]

    def make(self, rows, threads):
        import hnswlib

        count, dimension = rows.shape
        self.index = hnswlib.Index(space="ip", dim=dimension)
        self.index.init_index(max_elements=count, ef_construction=200, M=16)
        self.index.set_num_threads(threads)
        self.index.add_items(rows)
        self.index.set_num_threads(1)
        return count * (dimension * 4 + 16 * 2 * 4 + 16)

    def set(self, params):
        self.index.set_ef(int(params["ef"]))

    def one(self, query, k):
        return self.index.knn_query(query, k)[0][0]

    def batch(self, queries, k):
        return self.index.knn_query(queries, k)[0]


class USearch:
    build = "f32 M16"
    sweep = [{"ef": ef} for ef in (16, 32, 64, 128, 256, 512)]

    def make(self, rows, threads):
        from usearch.index import Index

        self.index = Index(
            ndim=rows.shape[1], metric="cos", dtype="f32", connectivity=16, expansion_add=128
        )
        self.index.add(numpy.arange(len(rows)), rows, threads=threads)
        return self.index.serialized_length

    def set(self, params):
        self.index.expansion_search = int(params["ef"])

    def one(self, query, k):
        return self.index.search(query, k, threads=1).keys

    def batch(self, queries, k):
        return self.index.search(queries, k, threads=1).keys


class ScaNN:
    sweep = [
        {"leaves": leaves, "reorder": reorder}
        for leaves in (4, 8, 16, 32, 64, 128)
        for reorder in (30, 100)
    ]

    def make(self, rows, threads):
        import scann

        leaves = 2 * int(numpy.sqrt(len(rows)))
        self.build = f"tree{leaves} ah2"
        builder = scann.scann_ops_pybind.builder(rows, 10, "dot_product")
        builder = builder.tree(leaves, 50, training_sample_size=min(len(rows), 100_000))
        builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2)
        self.index = builder.reorder(100).build()
        return rows.nbytes + rows.nbytes // 16

    def set(self, params):
        self.leaves, self.reorder = int(params["leaves"]), int(params["reorder"])

    def one(self, query, k):
        return self.index.search(
            query,
            final_num_neighbors=k,
            leaves_to_search=self.leaves,
            pre_reorder_num_neighbors=self.reorder,
        )[0]

    def batch(self, queries, k):
        return self.index.search_batched(
            queries,
            final_num_neighbors=k,
            leaves_to_search=self.leaves,
            pre_reorder_num_neighbors=self.reorder,
        )[0]


class SVS:
    build = "Vamana R32"
    sweep = [{"window": window} for window in (10, 20, 40, 80, 160)]

    def make(self, rows, threads):
        import svs

        parameters = svs.VamanaBuildParameters(graph_max_degree=32, window_size=100)
        with tempfile.TemporaryDirectory() as directory:
            svs.write_vecs(rows, directory + "/rows.fvecs")
            loader = svs.VectorDataLoader(directory + "/rows.fvecs", svs.DataType.float32)
            self.index = svs.Vamana.build(
                parameters, loader, svs.DistanceType.MIP, num_threads=threads
            )
        self.index.num_threads = 1
        return rows.nbytes + len(rows) * 32 * 4

    def set(self, params):
        self.index.search_window_size = int(params["window"])

    def one(self, query, k):
        return self.index.search(query[None], k)[0][0]

    def batch(self, queries, k):
        return self.index.search(queries, k)[0]


def peer(name, count, dimension):
    """The peer of that name; `faiss:FACTORY` is any index that FAISS makes."""
    nlist = lists(count)
    probes = [{"nprobe": probe} for probe in POWERS if probe <= nlist]
    refined = [
        {"nprobe": probe, "k_factor_rf": factor}
        for probe in POWERS[2:]
        if probe <= nlist
        for factor in (5, 20)
    ]
    if name == "faiss-ivfflat":
        return Faiss(f"IVF{nlist},Flat", probes)
    if name == "faiss-pqfs":
        return Faiss(f"IVF{nlist},PQ{dimension // 2}x4fs,RFlat", refined)
    if name == "faiss-rabitqfs":
        return Faiss(f"RR{dimension},IVF{nlist},RaBitQfs,RFlat", refined)
    if name.startswith("faiss:"):
        return Faiss(name.removeprefix("faiss:"), probes)
    others = {"hnswlib": HNSWLib, "usearch": USearch, "scann": ScaNN, "svs": SVS}
    if name not in others:
        sys.exit(f"peer_worker: {name} is no peer")
    return others[name]()


def main():
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Libraries that print must not disturb the answers.

    def answer(message, numbers=None):
        target.write(json.dumps(message).encode() + b"\n")
        if numbers is not None:
            target.write(numbers.tobytes())
        target.flush()

    def table(rows, columns):
        data = source.read(rows * columns * 4)
        if len(data) != rows * columns * 4:
            sys.exit("peer_worker: the rows end early")
        return numpy.frombuffer(data, "<f4").reshape(rows, columns).copy()

    task = json.loads(source.readline())
    rows = table(task["count"], task["dimension"])
    queries = table(task["queries"], task["dimension"])
    index = peer(task["peer"], *rows.shape)
    k = task["k"]
    start, processor = time.perf_counter(), time.process_time()
    size = index.make(rows, task["threads"])
    figures = {
        "build_s": time.perf_counter() - start,
        "processor_s": time.process_time() - processor,
    }
    answer({"build": index.build, "bytes": size, "sweep": index.sweep} | figures)
    while line := source.readline():
        task = json.loads(line)
        index.set(task["params"])
        found = numpy.full((len(queries), k), -1, "<i4")
        start, processor = time.perf_counter(), time.process_time()
        for _ in range(task["passes"]):
            if task["batch"]:
                answers = index.batch(queries, k)
            else:
                answers = [index.one(query, k) for query in queries]
        figures = {
            "seconds": time.perf_counter() - start,
            "processor_s": time.process_time() - processor,
        }
        for row, neighbours in zip(found, answers):
            row[: len(neighbours)] = neighbours[:k]
        answer(figures, found)


main()
