"""Files come in batches of bounded size, whatever they are packed in, and no line is lost or changed silently."""

import asyncio
import bz2
import gzip
import json
import lzma
import threading
from contextlib import aclosing

import polars as pl
import pytest

import consilience as cs
from consilience.errors import InvalidFrame, InvalidInput
from consilience.sources import BadLine, Files

zstandard = pytest.importorskip("zstandard")
PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


async def batches(files, rows=10_000):
    return [batch async for batch in files.batches(rows=rows)]


def gathered(files, rows=10_000):
    return asyncio.run(batches(files, rows))


@pytest.mark.parametrize("packed", PACK)
def test_json_lines_of_every_packing_come_in_batches(tmp_path, packed):
    text = "".join(json.dumps({"id": n, "text": f"row {n}"}) + "\n" for n in range(25)).encode()
    half = text.index(b'{"id": 12')
    members = [text] if not packed else [text[:half], text[half:]]
    (tmp_path / f"a.jsonl{packed}").write_bytes(b"".join(map(PACK[packed], members)))
    found = gathered(Files(tmp_path / "*.jsonl*"), rows=10)
    assert [batch.height for batch in found] == [10, 10, 5]
    assert pl.concat(found)["id"].to_list() == list(range(25))


def test_text_has_its_file_and_line_and_keeps_empty_lines(tmp_path):
    (tmp_path / "a.log").write_bytes("one\r\n\nzwölf".encode())
    (batch,) = gathered(Files(tmp_path / "a.log"))
    assert batch["text"].to_list() == ["one", "", "zwölf"]
    assert batch["line"].to_list() == [1, 2, 3]
    assert batch["file"].unique().to_list() == [str(tmp_path / "a.log")]


def test_lines_come_one_by_one_over_several_files_in_order(tmp_path):
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(f"{name} 1\n{name} 2\n")

    async def story():
        return [line async for line in Files(tmp_path / "*.txt", tmp_path / "a.txt").lines()]

    assert asyncio.run(story()) == ["a.txt 1", "a.txt 2", "b.txt 1", "b.txt 2"]


@pytest.mark.parametrize(
    "line", ['{"id": 1', "[1]", "7", "null", '{"id": 1}{"id": 2}', '{"id": NaN}', "oops", '{"id": 1} x']
)
def test_a_bad_line_is_named_with_file_number_and_remedy(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n\n{"id": 2}\n' + line + '\n{"id": 3}\n')
    with pytest.raises(BadLine, match=r"a\.jsonl, line 4: a JSON object is required.*pass bad=") as caught:
        gathered(Files(path), rows=2)
    assert (caught.value.path, caught.value.line) == (path, 4)


def test_bad_lines_can_be_left_out_and_are_told(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": 1}\n\xff\n{"id": 2}\noops\n')
    told = []
    (batch,) = gathered(Files(path, bad=told.append))
    assert batch["id"].to_list() == [1, 2]
    assert [error.line for error in told] == [2, 4]


def test_text_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"fine\n\xfcber\n")
    with pytest.raises(BadLine, match="line 2: UTF-8"):
        gathered(Files(tmp_path / "a.txt"))


def test_a_schema_gives_every_batch_the_same_types(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n{"id": 2.5}\n')
    found = gathered(Files(path, schema={"id": pl.Float64}), rows=1)
    assert [batch.schema["id"] for batch in found] == [pl.Float64, pl.Float64]


@pytest.mark.parametrize("packed", [name for name in PACK if name])
def test_a_truncated_archive_is_an_error_and_not_an_end(tmp_path, packed):
    path = tmp_path / f"a.txt{packed}"
    path.write_bytes(PACK[packed](b"line\n" * 1000)[:-6])
    with pytest.raises(InvalidFrame, match="read to its end"):
        gathered(Files(path))


def test_a_line_longer_than_allowed_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"x" * 3_000_000)
    with pytest.raises(BadLine, match="raise max_bytes"):
        gathered(Files(tmp_path / "a.txt", max_bytes=1000))


def test_a_batch_is_bounded_in_bytes_too(tmp_path):
    (tmp_path / "a.txt").write_text("0123456789\n" * 100)
    found = gathered(Files(tmp_path / "a.txt", max_bytes=110))
    assert {batch.height for batch in found} == {10}


def test_nothing_is_read_that_was_not_asked_for_and_leaving_closes_the_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n' + "oops\n")

    async def first():
        async with aclosing(Files(path).batches(rows=1)) as batches:
            return await anext(batches)

    assert asyncio.run(first())["id"].to_list() == [1]


def test_reading_happens_off_the_loop(tmp_path):
    (tmp_path / "a.jsonl").write_text("oops\n")
    threads = []
    files = Files(tmp_path / "a.jsonl", bad=lambda error: threads.append(threading.current_thread()))
    assert gathered(files) == []
    assert threads[0] is not threading.main_thread()


def test_each_batch_is_read_under_the_policy_and_a_retry_ends_nothing_early(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"line\n" * 1000)[:-6])
    policy = cs.policies.Policy("files", retry=2, registered=False)
    with pytest.raises(InvalidFrame):
        gathered(Files(path, policy=policy))


def test_a_frame_and_a_context_are_made_of_all_files(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"id": 2, "more": "x"}\n')
    files = Files(tmp_path / "*.jsonl")
    assert asyncio.run(files.frame()).rows() == [(1, None), (2, "x")]
    assert asyncio.run(files.frame(limit=1)).height == 1
    assert asyncio.run(files.context()) == '{"id": 1}\n{"id": 2, "more": "x"}'
    assert asyncio.run(files.context(max_chars=12)) == '{"id": 1}'


def test_settings_and_patterns_that_mean_nothing_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="none"):
        Files()
    with pytest.raises(InvalidInput, match="max_bytes"):
        Files("a", max_bytes=0)
    with pytest.raises(InvalidInput, match="names none"):
        gathered(Files(tmp_path / "*.none"))
    with pytest.raises(InvalidInput, match="rows"):
        gathered(Files("a"), rows=0)


def test_a_file_is_a_question_s_context_and_a_run_s_frame(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(f'{{"id": {n}, "note": "order {n}"}}\n' for n in (1, 2)))

    def repeats(question):
        return question.context or question.text

    async def story():
        files, circle = Files(path), cs.Circle([repeats])
        verdict = await circle.ask("What is there?", context=await files.context())
        result = await circle.run(await files.frame(), "{note}", key="id", progress=False)
        return verdict.answer, result.frame["answer"].to_list()

    said, answers = asyncio.run(story())
    assert said.startswith('{"id": 1')
    assert answers == ["order 1", "order 2"]
