"""What travels compressed, and what does not."""

import gzip
import re

from django.urls import reverse

from tests.training.making import make_sample_run, make_version


def answer(client_for, user, address, **headers):
    return client_for(user).get(address, headers=headers)


def test_a_page_travels_compressed_to_whoever_takes_it(client_for, annotator, project):
    address = reverse("guidelines", args=[project.public_id])

    plain = answer(client_for, annotator, address)
    small = answer(client_for, annotator, address, accept_encoding="gzip, deflate, br")

    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    # Up to a hundred random bytes stand before what is compressed.
    assert len(small.content) - 100 < len(plain.content) / 2
    assert "<h1>" in gzip.decompress(small.content).decode()


def test_the_secret_of_a_page_is_another_text_each_time_and_its_length_varies(client_for, annotator, project):
    client = client_for(annotator)
    address = reverse("guidelines", args=[project.public_id])

    answers = [client.get(address, headers={"accept-encoding": "gzip"}).content for _ in range(20)]
    pages = [gzip.decompress(content).decode() for content in answers]
    tokens = {re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1] for page in pages}

    assert len(tokens) == 20
    assert len({len(content) for content in answers}) > 5


def test_a_file_to_download_keeps_its_bytes_and_its_length(client_for, engineer, project, tmp_path):
    run = make_sample_run(make_version(project, tmp_path / "policy"))
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "log.txt").write_text("a line of the log\n" * 100)

    download = answer(client_for, engineer, reverse("run-log", args=[run.public_id]), accept_encoding="gzip")

    assert "Content-Encoding" not in download.headers
    assert download.headers["Content-Length"] == "1800"
