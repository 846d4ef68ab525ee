"""Puts vectors and their creators into Postgres, with the mended function and an HNSW index.

python fill_pgvector.py CONNECTION BASE.fbin CREATORS.u16bin"""

import array
import struct
import sys

import psycopg

connection = psycopg.connect(sys.argv[1], autocommit=True)
with open(sys.argv[2], "rb") as file:
    count, dimension = struct.unpack("<II", file.read(8))
    values = array.array("f", file.read(4 * count * dimension))
creators = array.array("H", open(sys.argv[3], "rb").read())
values.byteswap()

connection.execute("create extension if not exists vector")
connection.execute("drop schema if exists vector_bench cascade")
connection.execute("create schema vector_bench")
connection.execute("set search_path = vector_bench, public")
connection.execute(
    f"create table video_chunks(id int primary key, creator_id int not null,"
    f" embedding vector({dimension}) not null)"
)
connection.execute("alter table video_chunks alter embedding set storage plain")
connection.execute(
    """create function match_video_chunks_mended(query_embedding vector, filter_creator_id int,
           match_threshold float, match_count int)
       returns table(id int, similarity float) language sql stable as $$
           select c.id, 1 - (c.embedding <=> query_embedding) as similarity
           from video_chunks c
           where c.creator_id = filter_creator_id
               and c.embedding <=> query_embedding < 1 - match_threshold
           order by c.embedding <=> query_embedding limit match_count $$"""
)
with connection.cursor() as cursor:
    with cursor.copy("copy video_chunks from stdin (format binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 0, 0))
        for row in range(count):
            vector = values[row * dimension : (row + 1) * dimension].tobytes()
            copy.write(
                struct.pack("!hiiiiihh", 3, 4, row, 4, creators[row], 4 + len(vector), dimension, 0)
                + vector
            )
        copy.write(struct.pack("!h", -1))
connection.execute("vacuum analyze video_chunks")
connection.execute("set maintenance_work_mem = '1GB'")
connection.execute(
    "create index chunks_index on video_chunks using hnsw (embedding vector_cosine_ops)"
)
connection.execute("analyze video_chunks")
