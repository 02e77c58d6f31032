"""What a tokenizer must have to be trained with: an end that is no padding, and a chat template."""

import json
import shutil

import pytest

from tests.training.engine import snapshots
from training.engine.errors import DataError
from training.engine.tokenization import encode, load_tokenizer


@pytest.fixture
def directory(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "model")


def change(directory, **settings):
    path = directory / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def test_a_pad_that_is_the_end_is_refused(directory):
    change(directory, pad_token="<|end|>")

    with pytest.raises(DataError, match=r"'<\|end\|>' both as eos_token and as pad_token"):
        load_tokenizer(directory)


def test_a_tokenizer_without_a_pad_is_refused(directory):
    change(directory, pad_token=None)

    with pytest.raises(DataError, match="needs an eos_token and a pad_token"):
        load_tokenizer(directory)


def test_a_tokenizer_without_a_chat_template_is_refused(directory):
    change(directory, chat_template=None)
    (directory / "chat_template.jinja").unlink(missing_ok=True)

    with pytest.raises(DataError, match="has no chat template"):
        load_tokenizer(directory)


def test_a_text_ends_in_its_one_end_and_holds_no_pad(tokenizer):
    sequence = encode(tokenizer, snapshots.messages(1), "any text")

    assert sequence.completion_ids[-1] == tokenizer.eos_token_id
    assert sequence.completion_ids.count(tokenizer.eos_token_id) == 1
    assert tokenizer.pad_token_id not in sequence.prompt_ids + sequence.completion_ids
