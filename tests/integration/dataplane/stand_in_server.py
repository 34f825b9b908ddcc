"""A model server with KServe's arguments whose model is the text in model.txt: it answers that text.

A model that begins with "corrupt" fails to load, as an unreadable pickle would. One that begins with
"failing" answers 500 to a POST, and one with "slow" after 20 s. Every answer says how many POSTs were
seen, host and path of the last, and the header that marks copies for a version. To `?held=<file>` the
headers come at once, and the rest when the file is there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--model_name", "--model_dir", "--http_port", "--host"):
        parser.add_argument(name, required=True)
    parsed, further = parser.parse_known_args()
    text = (Path(parsed.model_dir) / "model.txt").read_text()
    if text.startswith("corrupt"):
        sys.exit("cannot load model.txt: it is corrupt")

    seen: list[str] = []
    marks: list[str] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = scope["method"] == "POST"
        sent = dict(scope["headers"])
        host = sent[b"host"].decode()
        if asked:
            seen.append(f"{host} {scope['path']}")
            marks.append(sent.get(b"x-churn-mirrored-to", b"").decode())
        if asked and text.startswith("slow"):
            await asyncio.sleep(20)
        content = {
            "name": parsed.model_name,
            "ready": True,
            "text": text,
            "path": scope["path"],
            "version": os.environ.get("CHURN_MODEL_VERSION", ""),
            "arguments": further,
            "pid": os.getpid(),
            "seen": len(seen),
            "last": seen[-1] if seen else "",
            "mark": marks[-1] if marks else "",
        }
        status = 500 if asked and text.startswith("failing") else 200
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        held = parse_qs(scope["query_string"].decode()).get("held", [])
        while not all(Path(file).exists() for file in held):  # noqa: ASYNC240 - a look costs nothing here
            await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    uvicorn.run(answer, host=parsed.host, port=int(parsed.http_port), log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
