"""Drives Kaleidoscope with its official client, kalbio, unchanged. Reads its task from standard input as JSON, writes what
it saw to standard output as JSON."""

import itertools
import json
import pathlib
import sys
import time
import typing

if sys.version_info < (3, 12):
    # The client names Python 3.12; these two are all it needs of it.
    import typing_extensions

    typing.TypedDict = typing_extensions.TypedDict

    def batched(items, size):
        items = iter(items)
        while batch := tuple(itertools.islice(items, size)):
            yield batch

    itertools.batched = batched

from kalbio.client import KaleidoscopeClient  # noqa: E402


def main():
    task = json.load(sys.stdin)
    folder = pathlib.Path(task["folder"])
    source = folder / "results.csv"
    client = KaleidoscopeClient(client_id=task["client_id"], client_secret=task["client_secret"], url=task["url"])
    seen = {"before": len(client.activities.get_activities())}

    activity = client.activities.create_activity(title="Made by the official client", activity_type="experiment")
    if isinstance(activity, list):
        activity = activity[0]
    keys = {field.id: "KB-1" for field in client.entity_fields.get_key_fields()}
    record = client.records.get_or_create_record(keys)
    again = client.records.get_or_create_record(keys)
    seen["same_record"] = record.id == again.id
    activity.add_records([record.id])
    field = next(field for field in client.entity_fields.get_data_fields() if field.field_name == "Raw data")

    time.sleep(task["pause"])
    with source.open("rb") as data:
        value = client.records.create_record_value_file(
            record_id=record.id,
            field_id=field.id,
            file_name="results.csv",
            file_data=data,
            file_type="text/csv",
            activity_id=activity.id,
        )
    seen["activity"], seen["record"], seen["file"] = activity.id, record.id, value.content["file_id"]

    time.sleep(task["pause"])
    for name, scope in (("plain.csv", None), ("scoped.csv", activity.id)):
        client.files.download_file(seen["file"], filename=name, destination=folder, activity_id=scope)
    missing = "00000000-0000-4000-8000-000000000000"
    seen["missing"] = client.files.download_file(missing, filename="missing.csv", destination=folder)

    fresh = next(one for one in client.activities.search_activities(search_text="official client") if one.id == activity.id)
    prop = next(one for one in fresh.properties if one.property_name == "Report")
    with source.open("rb") as data:
        seen["property"] = prop.update_property_file(file_name="report.csv", file_data=data, file_type="text/csv")
    text = next(one for one in fresh.properties if one.property_name == "Instrument")
    text.update_property("DSC 3")

    seen["records"] = [one.id for one in fresh.records]
    found = client.records.search_records(search_text="KB-")
    seen["found"] = found
    seen["by_id"] = [one.record_identifier for one in client.records.get_records_by_ids(found)]
    json.dump(seen, sys.stdout, default=str)


main()
