"""Hands one call to Airalogy's official client and writes what it gives as JSON: `drive_airalogy.py CALL ARGUMENT…`."""

import base64
import json
import sys
from pathlib import Path

from airalogy import Airalogy


def main() -> None:
    call, *arguments = sys.argv[1:]
    # Address, key and protocol come from the environment, as for its other users.
    client = Airalogy()
    match call:
        case "upload":
            source = Path(arguments[0])
            answer = client.upload_file_bytes(source.name, source.read_bytes())
        case "upload-base64":
            source = Path(arguments[0])
            answer = client.upload_file_base64(source.name, base64.b64encode(source.read_bytes()).decode())
        case "download-base64":
            answer = client.download_file_base64(arguments[0])
        case "download":
            file_id, destination = arguments
            answer = Path(destination).write_bytes(client.download_file_bytes(file_id))
        case "link":
            answer = client.get_file_url(arguments[0])
        case "records":
            answer = json.loads(client.download_records_json(arguments))
        case _:
            sys.exit(f"there is no call {call}")
    print(json.dumps(answer))


main()
