"""A model server with KServe's arguments whose model is the text in model.txt: it answers that text.

A model that begins with "corrupt" fails to load, as an unreadable pickle would. One that begins with
"failing" answers 500 to a POST, and one with "slow" after 3 s. Every answer says how many POSTs were
seen, host and path of the last, and the header that marks copies for a version.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

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
        if scope["path"].startswith("/slow"):
            await asyncio.sleep(2)
        if asked and text.startswith("slow"):
            await asyncio.sleep(3)
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
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    uvicorn.run(answer, host=parsed.host, port=int(parsed.http_port), log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
