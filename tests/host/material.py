"""Small benchmark files and a judge behind a local address, for the tests of the host."""

from __future__ import annotations

import base64
import io
import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
from PIL import Image


def picture(colour=(200, 30, 30), size=(24, 18)) -> str:
    """A small PNG as base64; longer than 64 characters, as the host requires."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def mcq_rows(answers="ABCD"):
    """Multiple-choice rows; the right option of row i is ``answers[i]``."""
    return [
        {
            "index": number,
            "image": picture((10 * number, 20, 30)),
            "question": f"Which letter is number {number}?",
            "A": "apple", "B": "banana", "C": "cherry", "D": "date",
            "answer": answer, "category": "fruit", "split": "dev" if number < 2 else "validation",
        }
        for number, answer in enumerate(answers)
    ]  # fmt: skip


def demo_rows(count=4):
    """Rows in the layout of the bundled benchmark: the answer of row i is i + 1."""
    return [
        {
            "index": number,
            "image": picture((10, 20 * number, 30)),
            "question": f"What is {number} plus 1?",
            "answer": str(number + 1),
            "category": "even" if number % 2 == 0 else "odd",
        }
        for number in range(count)
    ]


def write_tsv(path, rows):
    """Writes rows as the host's benchmarks are written."""
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    return path


class JudgeServer:
    """An OpenAI-compatible address that answers with whatever ``reply`` says of the last message's text."""

    def __init__(self):
        self.reply = lambda text: "OK"
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((dict(self.headers), body))
                content = body["messages"][-1]["content"]
                text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
                reply = outer.reply(text)
                status = reply if isinstance(reply, int) else 200
                message = {"choices": [{"message": {"content": reply}}]} if status == 200 else {"error": "no"}
                data = json.dumps(message).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # A client that is killed hangs up.
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


SEVEN = (
    "MMMU_DEV_VAL", "MathVista_MINI", "MathVision", "MathVerse_MINI_Vision_Only", "DynaMath", "WeMath", "LogicVista",
)  # fmt: skip
"""The paper's benchmarks by the host's names."""


def seven_rows(name):
    """Two or more rows in the columns of one of the seven benchmarks; pictures of several shapes."""
    small, wide, tall = picture(size=(300, 200)), picture((9, 99, 9), (420, 140)), picture((9, 9, 99), (110, 400))
    options = {"A": "apple", "B": "banana", "C": "cherry", "D": "date"}
    if name == "MMMU_DEV_VAL":
        kind = {"split": "validation", "category": "Art", "l2-category": "Art & Design", "answer": "B", **options}
        many = [picture((i, i, i), (400, 300)) for i in range(7)]
        return [
            {"index": 1, "image": small, "question": "See <image 1>. Which?", **kind},
            {"index": 2, "image": str([wide, tall]), "question": "Is <image 2> like <image 1>?", **kind},
            {"index": 3, "image": str(many), "question": "Seven <image 1> and an unknown tag: <image>", **kind},
            {"index": 4, "image": tall, "question": "没有标记？", "hint": "Look.", **kind},
        ]
    extra = {
        "MathVista_MINI": {"question_type": "free_form", "answer_type": "integer", "choices": "[]",
                           "answer_option": "", "task": "geometry", "skills": "['algebra']"},
        "MathVision": {"choices": "[]", "category": "algebra"},
        "MathVerse_MINI_Vision_Only": {"question_for_eval": "q", "metadata": "{}", "problem_version": "Vision Only"},
        "DynaMath": {"qid": 1, "varid": 1, "answer_type": "float", "subject": "algebra", "knowledge_level": "high"},
        "WeMath": {**options, "E": "No correct answer", "key": "one_step", "ID": 1, "knowledge concept": "area"},
        "LogicVista": {"skill": "inductive"},
    }[name]  # fmt: skip
    question = "Hint: Please directly answer the question and, please directly answer the question and say x."
    return [
        {"index": number, "image": image, "question": f"{number}. {question}", "answer": "B", **extra}
        for number, image in enumerate((small, wide, tall), start=1)
    ]


def api_model(server, kind="gpt"):
    """A factory of one of the host's API classes that asks a local address."""
    from vlmeval.api import GPT4V, LMDeployAPI

    cls = {"gpt": GPT4V, "lmdeploy": LMDeployAPI}[kind]
    return partial(cls, model="served", api_base=f"{server.url}/chat/completions", key="sk-x", temperature=0, retry=10)


def grade_table(benchmark, predictions, directory, judge, replies=None, **options):
    """The verdicts of a table."""
    from visualprm_eval.host.benchmark import DatasetKey
    from visualprm_eval.host.worker import calls

    if isinstance(benchmark.dataset, DatasetKey):
        benchmark = calls.loaded_benchmark(benchmark.dataset)
    from visualprm_eval.host.grading.grade_table import evaluate_table

    return evaluate_table(benchmark, predictions, directory, judge, replies, **options).take_verdicts()


def host_figure(benchmark, predictions, directory, judge, replies=None, **options):
    """The host's figure of a table of texts that have verdicts."""
    from visualprm_eval.host.grading.grade_table import evaluate_table

    return evaluate_table(benchmark, predictions, directory, judge, replies, known=True, **options).take_figure()
