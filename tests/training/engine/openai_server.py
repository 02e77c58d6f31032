"""A real HTTP server that answers /v1/chat/completions in OpenAI's format, with a tiny model behind it."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from training.engine.modeling import load_language_model
from training.engine.records import Message
from training.engine.sampling import SamplingRequest, SamplingSettings, sample_completions
from training.engine.tokenization import decode_completion, encode_prompt, load_tokenizer

MODEL, KEY = "tiny", "sk-right"


class OpenAIServer(ThreadingHTTPServer):
    """requests: the bodies it was asked with. trouble: statuses with which it answers first, in order.

    most: it gives so many completions at once, however many are asked for. tells_logprobs: like a server that
    does or does not. wants_key: refuses requests without it.
    """

    daemon_threads = True

    def __init__(self, directory):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokenizer = load_tokenizer(directory)
        self.policy = load_language_model(directory)
        self.requests, self.keys, self.trouble = [], [], deque()
        self.most, self.tells_logprobs, self.wants_key = 128, True, False
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def answer(self, body):
        messages = tuple(Message(**message) for message in body["messages"])
        settings = SamplingSettings(
            stream=str(body["seed"]),
            max_new_tokens=body["max_tokens"],
            temperature=body["temperature"],
            rows_in_flight=4,
            eos_id=self.tokenizer.eos_token_id,
        )
        count = min(body["n"], self.most)
        request = SamplingRequest("prompt", encode_prompt(self.tokenizer, messages), tuple(range(count)))
        with self.lock:
            completions = sorted(sample_completions(self.policy, [request], settings), key=lambda c: c.index)
        return {
            "object": "chat.completion",
            "model": body["model"],
            "choices": [self._choice(completion) for completion in completions],
            "usage": {"completion_tokens": sum(len(c.token_ids) for c in completions)},
        }

    def _choice(self, completion):
        content = [
            {"token": self.tokenizer.decode([token]), "logprob": logprob}
            for token, logprob in zip(completion.token_ids, completion.logprobs, strict=True)
        ]
        return {
            "index": completion.index,
            "message": {
                "role": "assistant",
                "content": decode_completion(self.tokenizer, completion.token_ids),
            },
            "finish_reason": completion.finish_reason,
            "logprobs": {"content": content} if self.tells_logprobs else None,
        }


class _Handler(BaseHTTPRequestHandler):
    server: OpenAIServer

    def do_GET(self):
        self._send(200, {"data": [{"id": MODEL}, {"id": "other"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        if self.server.trouble:
            status = self.server.trouble.popleft()
            if status == "hang up":
                self.close_connection = True
                return
            self._send(status, {"error": {"message": "not now"}}, {"Location": "http://127.0.0.1:9/"})
        elif self.server.wants_key and self.headers.get("Authorization") != f"Bearer {KEY}":
            self._send(401, {"error": {"message": "Incorrect API key"}})
        elif self.path != "/v1/chat/completions" or body["model"] != MODEL:
            self._send(404, {"error": {"message": "The model does not exist"}})
        else:
            self._send(200, self.server.answer(body))

    def _send(self, status, body, headers=()):
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
