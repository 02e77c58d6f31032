"""Texts that try to be more than text. Whatever is shown is shown with these."""

HUGE_TABLE = "|" + "h|" * 40 + "\n|" + "-|" * 40 + "\n" + ("|" + "cell with words|" * 40 + "\n") * 60

SHORT = {
    "script": "<script>alert(1);document.title='owned'</script>",
    "svg": "<svg onload=alert(1)><script href='data:,alert(1)'></svg>",
    "image": "<img src=x onerror=alert(1)> ![x](https://evil.invalid/x.png) ![y](javascript:alert(1))",
    "iframe": "<iframe src='https://evil.invalid' srcdoc='<script>parent.alert(1)</script>'></iframe>"
    "<object data=x>",
    "links": "[a](javascript:alert(1)) [b](data:text/html,<script>alert(1)</script>) <javascript:alert(1)> "
    "[c](JaVaScRiPt&colon;alert(1)) [d](vbscript:x) [e](//evil.invalid)",
    "refresh": "<meta http-equiv=refresh content='0;url=https://evil.invalid'><base href='https://evil.invalid/'>",
    "style": "<style>body{display:none}</style><link rel=stylesheet href=//evil.invalid/x.css>",
    "form": "</form></main></body></html><form action=https://evil.invalid><input name=csrfmiddlewaretoken>",
    "template": "{{ 7|add:'7' }} {% csrf_token %} {% include 'x' %} ${7*7} #{7*7} "
    "{{constructor.constructor('alert(1)')()}}",
    "quotes": '"><b onmouseover=alert(1)>\'"` onclick=alert(1) x="',
    "json": "</script><script>alert(1)</script> \\u003c \"}]}'; alert(1); // <!-- <script>",
    "override": "start \u202edetrever\u202d \u202e\u202e\u202e",
    "isolates": "\u2069\u2069\u2069\u202c\u202c\u202eout of its box \u2067\u2066\u2068",
    "invisible": "a\u200bd\u200cm\u200di\u2060n\ufeff \u200e\u200f\u00ad\u2063",
    "zalgo": "z" + "\u0301\u0316\u0338\u0489" * 30 + "a" + "\u0348\u0357\u035b" * 30,
    "controls": "bell\x07 escape\x1b[31m tab\t delete\x7f line\u2028paragraph\u2029 next\x85",
    "markdown": "**bold *both `code\n```\nno end\n> > - [ ] x\n***\n| a | b\n[x]: y\n[^1] ~~ <b>",
    "nesting": ">" * 300 + " deep\n" + "\n".join("  " * n + "- x" for n in range(60)) + "[" * 300 + "]" * 300,
    "arabic": "مرحبا بالعالم (right to left) 123 – שלום",
    "unbroken": "wwwwwwwwww" * 60,
}

LONG = {
    "line": "a" * 100_000,
    "brackets": "[" * 100_000,
    "stars": "*a" * 50_000,
    "table": HUGE_TABLE,
    "combining": "e\u0301" * 50_000,
}

ALL = SHORT | LONG

# All short ones after one another, in one text; those that open something and never close it come last.
UNCLOSED = ("nesting", "markdown")
TOGETHER = "\n\n".join([*(SHORT[n] for n in SHORT if n not in UNCLOSED), *(SHORT[n] for n in UNCLOSED)])


def in_one_line(text: str, length: int) -> str:
    """As it enters a field of a name: no line breaks, no more than the column takes."""
    return " ".join(text.split())[:length].strip()
