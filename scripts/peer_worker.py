#!/usr/bin/env python3
"""Another index library, driven by `vector-bench peer` through standard input and output.

The bench sends the rows and the queries that its own reader read, asks for passes over the queries,
and judges the answers; this program scales both to unit length, builds the index and takes the time.
One thread searches. The bytes of an index are those of its file or files.

Messages are a line of JSON, with bytes behind it where the line says so:
  in   {"peer", "count", "dimension", "queries", "k", "threads", "index", "data"}, then rows and queries as
       float32; no rows where a file of that index is there already
  out  {"build", "build_s", "processor_s", "others_s", "bytes", "sweep": [{parameter: value}]}, and of
       an index that was read from its file {"load_s", "first_s", "resident_bytes"}
  in   {"params", "batch": true or false, "passes"}
  out  {"seconds", "processor_s"}, then queries x k row numbers as int32, -1 where there are fewer, and
       of queries one by one their passes x queries microseconds as float32
  in   end of file: the program ends

An index with a file (faiss, hnswlib, usearch) is saved after its build, with FILE.json beside it: what
was built and what that took. "processor_s" is this process's own time, "others_s" the processor time
of everything else on the machine meanwhile: a build with much of it was measured on a busy machine.
A file is read with its pages dropped from memory first; "first_s" is from there to the first answer.

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

PROBES = [1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256]


def unit(rows):
    """Scales rows to unit length in place: the distance is cosine, which some peers take an inner product
    for."""
    lengths = numpy.sqrt(numpy.einsum("ij,ij->i", rows, rows, dtype="<f8"))
    rows /= numpy.where(lengths > 0, lengths, 1)[:, None].astype("<f4")


def bytes_below(directory):
    return sum(
        os.path.getsize(os.path.join(place, name))
        for place, _, names in os.walk(directory)
        for name in names
    )


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

    def size(self):
        return len(self.faiss.serialize_index(self.index))

    def save(self, path):
        self.faiss.write_index(self.index, path)

    def load(self, path, dimension):
        import faiss

        self.faiss = faiss
        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)

    def set(self, params):
        for name, value in params.items():
            self.faiss.ParameterSpace().set_index_parameter(self.index, name, value)

    def one(self, query, k):
        return self.index.search(query[None], k)[1][0]

    def batch(self, queries, k):
        return self.index.search(queries, k)[1]


class HNSWLib:
    build = "M16 efc200"
    sweep = [{"ef": ef} for ef in (10, 16, 20, 23, 26, 30, 40, 50, 56, 60, 80, 120, 160, 240, 320)]

    def make(self, rows, threads):
        import hnswlib

        count, dimension = rows.shape
        self.index = hnswlib.Index(space="ip", dim=dimension)
        self.index.init_index(max_elements=count, ef_construction=200, M=16)
        self.index.set_num_threads(threads)
        self.index.add_items(rows)
        self.index.set_num_threads(1)

    def size(self):
        with tempfile.TemporaryDirectory() as directory:
            self.save(directory + "/index")
            return bytes_below(directory)

    def save(self, path):
        self.index.save_index(path)

    def load(self, path, dimension):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=dimension)
        self.index.load_index(path)
        self.index.set_num_threads(1)

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

    def size(self):
        return self.index.serialized_length

    def save(self, path):
        self.index.save(path)

    def load(self, path, dimension):
        from usearch.index import Index

        self.index = Index(
            ndim=dimension, metric="cos", dtype="f32", connectivity=16, expansion_add=128
        )
        self.index.load(path)

    def set(self, params):
        self.index.expansion_search = int(params["ef"])

    def one(self, query, k):
        return self.index.search(query, k, threads=1).keys

    def batch(self, queries, k):
        return self.index.search(queries, k, threads=1).keys


class ScaNN:
    sweep = [
        {"leaves": leaves, "reorder": reorder}
        for leaves in (4, 8, 16, 24, 32, 36, 40, 48, 64, 96, 128, 192)
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

    def size(self):
        with tempfile.TemporaryDirectory() as directory:
            self.index.serialize(directory)
            return bytes_below(directory)

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
    sweep = [{"window": window} for window in (10, 14, 16, 18, 20, 28, 40, 56, 64, 80, 160)]

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

    def size(self):
        with tempfile.TemporaryDirectory() as directory:
            self.index.save(*(f"{directory}/{part}" for part in ("config", "graph", "data")))
            return bytes_below(directory)

    def set(self, params):
        self.index.search_window_size = int(params["window"])

    def one(self, query, k):
        return self.index.search(query[None], k)[0][0]

    def batch(self, queries, k):
        return self.index.search(queries, k)[0]


def peer(name, count, dimension):
    """The peer of that name; `faiss:FACTORY` is any index that FAISS makes."""
    nlist = lists(count)
    probes = [{"nprobe": probe} for probe in PROBES if probe <= nlist]
    refined = [
        {"nprobe": probe, "k_factor_rf": factor}
        for probe in PROBES[3:]
        if probe <= nlist
        for factor in (5, 20)
    ]
    if name == "faiss-flat":
        return Faiss("Flat", [{}])
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


def machine_seconds():
    """Processor time that everything on the machine took so far, the hypervisor's share left out."""
    with open("/proc/stat") as file:
        ticks = [int(field) for field in file.readline().split()[1:]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks[:8]) - idle - ticks[7]) / os.sysconf("SC_CLK_TCK")


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def drop_pages(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def built(index, task, rows):
    """Builds the index, saves it where the task says so, and tells what that took."""
    if task.get("index") and not hasattr(index, "save"):
        sys.exit(f"peer_worker: {task['peer']} cannot be saved to a file")
    start, processor, machine = time.perf_counter(), time.process_time(), machine_seconds()
    index.make(rows, task["threads"])
    took = time.process_time() - processor
    figures = {
        "build": index.build,
        "build_s": time.perf_counter() - start,
        "processor_s": took,
        "others_s": max(0, machine_seconds() - machine - took),
    }
    path = task.get("index")
    if not path:
        return figures | {"bytes": index.size()}
    index.save(path + ".part")
    figures["bytes"] = os.path.getsize(path + ".part")
    identity = {name: task[name] for name in ("peer", "count", "dimension", "threads", "data")}
    with open(path + ".json", "w") as file:
        json.dump(identity | figures, file)
    os.rename(path + ".part", path)
    return figures


def loaded(index, task, queries):
    """Reads an index from its file, cold, and asks it the first query."""
    path = task["index"]
    with open(path + ".json") as file:
        known = json.load(file)
    for name in ("peer", "count", "dimension", "data"):
        if known.get(name) != task[name]:
            sys.exit(f"peer_worker: {path} has {name} {known.get(name)}, {task[name]} is asked for")
    index.build = known["build"]
    __import__("faiss" if isinstance(index, Faiss) else task["peer"])
    drop_pages(path)
    before, start = resident_bytes(), time.perf_counter()
    index.load(path, task["dimension"])
    load = time.perf_counter() - start
    index.set(index.sweep[len(index.sweep) // 2])
    index.one(queries[0], task["k"])
    first = time.perf_counter() - start
    names = ("build", "build_s", "processor_s", "others_s", "bytes")
    resident = resident_bytes() - before
    figures = {"load_s": load, "first_s": first, "resident_bytes": resident}
    return {name: known[name] for name in names} | figures


def run(index, task, queries, k):
    """Runs passes over the queries; figures, row numbers and the time of each query."""
    clock, taken, answers = time.perf_counter, [], []
    start, processor = clock(), time.process_time()
    for _ in range(task["passes"]):
        if task["batch"]:
            answers = index.batch(queries, k)
            continue
        answers, before = [], clock()
        for query in queries:
            answers.append(index.one(query, k))
            now = clock()
            taken.append(now - before)
            before = now
    figures = {"seconds": clock() - start, "processor_s": time.process_time() - processor}
    found = numpy.full((len(queries), k), -1, "<i4")
    for row, neighbours in zip(found, answers):
        row[: len(neighbours)] = neighbours[:k]
    return figures, found, (numpy.array(taken) * 1e6).astype("<f4")


def main():
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Libraries that print must not disturb the answers.

    def answer(message, *tables):
        target.write(json.dumps(message).encode() + b"\n")
        for table in tables:
            target.write(table.tobytes())
        target.flush()

    def table(rows, columns):
        result = numpy.empty((rows, columns), "<f4")
        space = memoryview(result).cast("B")
        while space and (count := source.readinto(space)):
            space = space[count:]
        if space:
            sys.exit("peer_worker: the rows end early")
        return result

    task = json.loads(source.readline())
    index = peer(task["peer"], task["count"], task["dimension"])
    has_file = bool(task.get("index")) and os.path.exists(task["index"])
    rows = None if has_file else table(task["count"], task["dimension"])
    queries = table(task["queries"], task["dimension"])
    for part in (queries,) if rows is None else (rows, queries):
        unit(part)
    figures = loaded(index, task, queries) if has_file else built(index, task, rows)
    del rows
    answer({"sweep": index.sweep} | figures)
    while line := source.readline():
        pass_task = json.loads(line)
        index.set(pass_task["params"])
        answer_figures, *tables = run(index, pass_task, queries, task["k"])
        answer(answer_figures, *tables)


main()
