"""A side of a benchmark that answers with what it was asked; `die` ends it without an answer."""

from benchmarks.answering import Questions, Stopwatch

questions = Questions()
print("what libraries print must not be taken for an answer")
questions.answer(ready=True)
while True:
    request = questions.next()
    if request.get("do") == "die":
        raise SystemExit("the last words")
    questions.answer(**questions.settings, **request, **Stopwatch().read())
