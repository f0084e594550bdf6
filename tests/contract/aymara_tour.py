"""Takes Aymara AI's official client, unchanged, through every call it has for files; writes what it saw as JSON.

The task comes as JSON on standard input. Address and key come from the environment, as for the client's other users."""

import asyncio
import importlib.util
import json
import pathlib
import sys
import time

import aymara_ai
import httpx
from aymara_ai import APIStatusError, AymaraAI, NotFoundError


def until(ask, wanted):
    """Asks until the answer is the wanted one; gives every answer on the way."""
    seen = []
    for _ in range(200):
        seen.append(ask())
        if seen[-1] == wanted:
            return seen
        time.sleep(0.02)
    sys.exit(f"it never became {wanted}: {seen[-3:]}")


def refused(call):
    """The status of a refusal, and the code in its body."""
    try:
        call()
    except APIStatusError as error:
        return [error.status_code, error.body["error"]["code"]]
    sys.exit("this should have been refused")


def helpers():
    """The client's own helpers for links. Their package pulls notebooks in when it is imported as a whole."""
    path = pathlib.Path(aymara_ai.__file__).parent / "lib" / "uploads.py"
    spec = importlib.util.spec_from_file_location("aymara_uploads", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    task = json.load(sys.stdin)
    folder = pathlib.Path(task["folder"])
    workspace = task["workspace"]
    content = (folder / "data.csv").read_bytes()
    client = AymaraAI()
    seen = {}
    client.health.check()

    # Links for two files in one request, and their bytes to the links.
    announced = client.files.create(
        files=[
            {"local_file_path": "data.csv", "content_type": "text/csv"},
            {"local_file_path": "walk.mp4"},
        ],
        workspace_uuid=workspace,
    )
    seen["announced"] = [[file.local_file_path, file.processing_status] for file in announced.files]
    table, video = announced.files
    for file, kind in ((table, "text/csv"), (video, "video/mp4")):
        answer = httpx.put(file.file_url, content=content, headers={"Content-Type": kind})
        answer.raise_for_status()
    seen["etag"] = answer.headers["etag"]

    # The client's own way to send to a link.
    kept = [
        helpers().upload_file(client=client, file_name="data.csv", file_content=folder / "data.csv"),
        asyncio.run(helpers().upload_file_async(file_name="data.csv", file_content=content)),
    ]
    kept = [client.files.get(pathlib.Path(file["remote_file_path"]).stem) for file in kept]
    seen["helped"] = [httpx.get(file.file_url).raise_for_status().content == content for file in kept]

    # A form.
    form = client.files.upload(file=("Größe \"1\".csv", content, "text/csv"), workspace_uuid=workspace)
    plain = client.files.upload(file=content)
    seen["form"], seen["plain"] = form.file_uuid, plain.file_uuid

    # A link that the service fetches.
    remote = client.files.create(files=[{"remote_uri": task["remote"]}], workspace_uuid=workspace).files[0]
    seen["remote"] = [remote.remote_uri == task["remote"], remote.processing_status]
    until(lambda: client.files.get_status(remote.file_uuid).processing_status, "completed")

    # Listings.
    seen["listed"] = [file.file_uuid for file in client.files.list(workspace_uuid=workspace)]
    seen["videos"] = [file.file_uuid for file in client.files.list(workspace_uuid=workspace, file_type="video")]
    page = client.files.list(workspace_uuid=workspace, limit=2, offset=1)
    seen["page"], seen["count"] = [file.file_uuid for file in page.items], page.count
    seen["all"] = plain.file_uuid in [file.file_uuid for file in client.files.list()]

    # Details, and the content behind every link.
    for name, file in (("data.csv", table), ("form.csv", form), ("plain.bin", plain), ("remote.bin", remote)):
        detail = client.files.get(file.file_uuid)
        (folder / f"back-{name}").write_bytes(httpx.get(detail.file_url).raise_for_status().content)
        seen.setdefault("details", []).append([detail.file_type, detail.content_type, detail.original_file_url])

    # Processing and frames of a video.
    seen["too_early"] = refused(lambda: client.with_options(max_retries=0).files.get_frames(video.file_uuid))
    seen["status"] = until(lambda: client.files.get_status(video.file_uuid).processing_status, "completed")
    frames = client.files.get_frames(video.file_uuid)
    seen["frames"] = [frames.frame_count, len(frames.frame_urls), len(httpx.get(frames.frame_urls[0]).raise_for_status().content)]

    # Removing.
    for file in (table, video, form, plain, remote, *kept):
        client.files.delete(file.file_uuid)
    seen["left"] = [file.file_uuid for file in client.files.list(workspace_uuid=workspace)]
    seen["gone"] = refused(lambda: client.files.get(table.file_uuid))
    seen["is_not_found"] = issubclass(NotFoundError, APIStatusError)
    seen["wrong_key"] = refused(lambda: AymaraAI(api_key="not-the-key").files.list())
    json.dump(seen, sys.stdout)


main()
