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
    record = client.records.get_record_by_id(record.id)
    with source.open("rb") as data:
        record.update_field_file(
            field_id=field.id, file_name="second.csv", file_data=data, file_type="text/csv", activity_id=activity.id
        )
    number = next(field for field in client.entity_fields.get_data_fields() if field.field_type == "number")
    record.add_value(field_id=number.id, content=139, activity_id=activity.id)
    record.update_field(field_id=number.id, value=140, activity_id=activity.id)
    record.refetch()
    seen["values"] = len(record.get_values())
    seen["number"] = record.get_value_content(field_id=number.id)
    newest = record.get_value_content(field_id=field.id, activity_id=activity.id)
    client.files.download_file(newest["file_id"], filename="second.csv", destination=folder, activity_id=activity.id)
    seen["activity_data"] = record.get_activity_data(activity.id)[number.id]
    seen["of_record"] = [one.id for one in record.get_activities()]

    seen["by_activity"] = [
        client.activities.get_activity_by_id(activity.id).id,
        [one.id for one in client.activities.get_activities_by_ids([activity.id])],
        [one.id for one in client.activities.get_activities_with_record(record.id)],
        [one.id for one in client.activities.get_activity_by_type("experiment")],
    ]
    fresh.refetch()
    seen["has"] = [fresh.has_record(record.id), fresh.get_record(record.id).id, len(fresh.get_record_data())]
    by_key = client.records.get_record_by_id({next(iter(keys)): "KB-1"})
    seen["by_key"] = by_key.id if by_key else None
    registered = client.registration.register_file(activity.id, seen["file"])
    files = client.registration.get_registration_files(activity.id)
    seen["registered"] = [str(registered.status), [one.file_id for one in files]]
    slices = client.entity_types.get_types()
    client.exports.pull_data(filename="table.csv", entity_slice_id=slices[0].id, download_path=str(folder))
    seen["table"] = sorted(path.name for path in folder.glob("table*"))
    json.dump(seen, sys.stdout, default=str)


main()
