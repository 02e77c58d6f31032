"""Whether a text tells which model wrote it, which breaks the blindness of a comparison."""

import re
from collections.abc import Sequence

MODELS = (
    r"chat-?gpt",
    r"gpt-?[0-9][\w.-]*",
    r"claude",
    r"gemini",
    r"bard",
    r"copilot",
    r"llama",
    r"mi[sx]tral",
    r"qwen",
    r"deepseek",
    r"smollm",
    r"chatglm",
    r"vicuna",
    r"alpaca",
    r"falcon",
    r"gemma",
    r"grok",
    r"ernie",
    r"kimi",
    "通义千问",
    "文心一言",
    "豆包",
    "混元",
)
MAKERS = (
    "openai|anthropic|google|deepmind|meta(?: ai)?|mistral(?: ai)?|microsoft|hugging ?face|alibaba"
    "|deepseek|xai|baidu|bytedance|tencent|moonshot|阿里云|阿里巴巴|百度|字节跳动|腾讯|智谱|月之暗面|深度求索"
)
_MODEL = rf"(?:{'|'.join(MODELS)})(?:[0-9.-][\w.-]*)?(?![a-z])"
# Of itself only: an answer may well be about these models and their makers.
_OF_ITSELF = re.compile(
    rf"\b(?:i am|i['’]m|my name is|call me)\b[^.!?\n]{{0,40}}?\b{_MODEL}"
    rf"|\bas (?:an? )?(?:[\w-]+ ){{0,2}}{_MODEL},? i\b"
    r"|\b(?:i am|i['’]m|i was|assistant|model)\b[^.!?\n]{0,60}?"
    rf"\b(?:created|developed|trained|made|built) by (?:{MAKERS})\b"
    rf"|我(?:是|叫)[^。！？\n]{{0,20}}?{_MODEL}"
    rf"|我[^。！？\n]{{0,20}}?(?:{MAKERS})[^。！？\n]{{0,10}}?(?:开发|训练|创造|研发|推出)",
    re.IGNORECASE,
)
LONGEST = 120


def passage_naming_its_model(text: str, own_names: Sequence[str]) -> str:
    """Where the text names a well-known model or its maker as itself, or any of own_names at all; else empty.

    At most 120 characters of it, with white space folded.
    """
    found = _OF_ITSELF.search(text) or _any_of(own_names, text)
    return " ".join(found[0].split())[:LONGEST] if found else ""


def _any_of(names: Sequence[str], text: str) -> re.Match[str] | None:
    wanted = "|".join(re.escape(name) for name in names if name.strip())
    return re.search(rf"(?<!\w)(?:{wanted})\w*", text, re.IGNORECASE) if wanted else None


def names_in(label: str) -> list[str]:
    """The names under which a model of this label may speak: "SmolLM2-135M" and its family "SmolLM".

    A label without a number is an ordinary word as far as anybody can tell, and so is a family without
    capitals inside: looked for in every text, it would be found in every other.
    """
    label = label.strip()
    names = [label] if re.fullmatch(r"\S*\d\S*", label) else []
    family = re.match(r"[A-Za-z]+", label)
    if family and sum(map(str.isupper, family[0])) > 1:
        names.append(family[0])
    return names
