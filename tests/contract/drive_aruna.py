"""Aruna's official Python package (gRPC stubs of v1) against a gateway that speaks JSON.

The package speaks gRPC only; the service's web interface is its own definition transcoded by the HTTP rules in it. The
channel below applies those very rules, read from the package, so the stubs run unchanged: each request is written and each
answer is read with the published messages. An answer with a field they do not know, or of another type, fails, and so does
one that leaves a field out, which the gateway never does.

Reads from standard input: {"url", "token", "folder"}. Prints what it saw as JSON.
"""

import hashlib
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, json_format, symbol_database
from google.protobuf.descriptor import FieldDescriptor

from aruna.api.storage.models.v1 import models_pb2, query_pb2
from aruna.api.storage.services.v1 import (
    collection_service_pb2,
    collection_service_pb2_grpc,
    info_service_pb2,
    info_service_pb2_grpc,
    object_service_pb2,
    object_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
    user_service_pb2,
    user_service_pb2_grpc,
)

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SERVICES = [
    module.DESCRIPTOR
    for module in (
        collection_service_pb2,
        info_service_pb2,
        object_service_pb2,
        project_service_pb2,
        user_service_pb2,
    )
]


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status = status
        self.code = json.loads(body)["code"]


def send(method, url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        raise Refused(error.code, error.read().decode()) from None


def flat(value, name=""):
    """Parameters of a query: dotted paths, lists repeated."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from flat(member, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for member in value:
            yield from flat(member, name)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def left_out(value, descriptor, at=""):
    """Fields of a message that its JSON does not have; members of a oneof may be absent."""
    for field in descriptor.fields:
        here = f"{at}.{field.json_name}"
        if field.json_name not in value:
            if field.containing_oneof is None:
                yield here
        elif field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.full_name != "google.protobuf.Timestamp":
            members = value[field.json_name]
            for member in members if isinstance(members, list) else [members]:
                if member is not None:
                    yield from left_out(member, field.message_type, here)


class Channel:
    """What the stubs take for a gRPC channel."""

    def __init__(self, url, token):
        self.url, self.token, self.calls = url, token, {}

    def rule(self, path):
        _, service, name = path.split("/")
        for file in SERVICES:
            found = file.services_by_name.get(service.rsplit(".", 1)[1])
            if found is not None and found.full_name == service:
                method = found.methods_by_name[name]
                options = descriptor_pb2.MethodOptions.FromString(method.GetOptions().SerializeToString())
                return method, options.Extensions[annotations_pb2.http]
        raise KeyError(path)

    def unary_unary(self, path, request_serializer=None, response_deserializer=None):
        def call(request):
            method, rule = self.rule(path)
            verb = rule.WhichOneof("pattern")
            fields = json_format.MessageToDict(request)
            address = getattr(rule, verb)
            for field in request.DESCRIPTOR.fields:
                for shape, safe in ((f"{{{field.name}}}", ""), (f"{{{field.name}=**}}", "/:")):
                    if shape in address:
                        value = urllib.parse.quote(str(getattr(request, field.name)), safe=safe)
                        address = address.replace(shape, value)
                        fields.pop(field.json_name, None)
            headers, body = {"Authorization": f"Bearer {self.token}"}, None
            if rule.body == "*":
                body = json.dumps(fields).encode()
                headers["Content-Type"] = "application/json"
            elif fields:
                address += "?" + urllib.parse.urlencode(list(flat(fields)))
            _, _, answer = send(verb.upper(), self.url + address, body, headers)
            kind = symbol_database.Default().GetSymbol(method.output_type.full_name)
            told = json.loads(answer)
            absent = list(left_out(told, method.output_type))
            if absent:
                raise AssertionError(f"{method.name} leaves out {absent}")
            self.calls[method.name] = self.calls.get(method.name, 0) + 1
            return json_format.Parse(answer, kind())

        return call

    def unary_stream(self, path, **_):
        return self.unary_unary(path)

    stream_unary = stream_stream = unary_stream


def main():
    task = json.load(sys.stdin)
    channel = Channel(task["url"], task["token"])
    users = user_service_pb2_grpc.UserServiceStub(channel)
    projects = project_service_pb2_grpc.ProjectServiceStub(channel)
    collections = collection_service_pb2_grpc.CollectionServiceStub(channel)
    objects = object_service_pb2_grpc.ObjectServiceStub(channel)
    c, o = collection_service_pb2, object_service_pb2
    seen = {}

    info = info_service_pb2_grpc.StorageInfoServiceStub(channel)
    info.GetStorageVersion(info_service_pb2.GetStorageVersionRequest())
    info.GetStorageStatus(info_service_pb2.GetStorageStatusRequest())

    me = users.GetUser(user_service_pb2.GetUserRequest()).user
    mine = users.GetUserProjects(user_service_pb2.GetUserProjectsRequest(user_id=me.id)).projects
    project = next(one for one in mine if one.name == "zebrafish-heart")
    projects.GetProject(project_service_pb2.GetProjectRequest(project_id=project.id))

    def collection(name):
        request = c.CreateNewCollectionRequest(
            name=name,
            description="made by the official package",
            project_id=project.id,
            labels=[models_pb2.KeyValue(key="kind", value="trial")],
            dataclass=models_pb2.DATA_CLASS_PRIVATE,
        )
        return collections.CreateNewCollection(request).collection_id

    one, two = collection("official-one"), collection("official-two")
    found = collections.GetCollectionByID(c.GetCollectionByIDRequest(collection_id=one)).collection
    seen["collection"] = [found.name, found.labels[0].value, found.latest]
    listed = collections.GetCollections(c.GetCollectionsRequest(project_id=project.id)).collections
    seen["collections"] = sorted(one.name for one in listed.collection_overviews)

    def by_id(where, which):
        return objects.GetObjectByID(o.GetObjectByIDRequest(collection_id=where, object_id=which)).object

    def available(where, which):
        for _ in range(200):
            shown = by_id(where, which).object
            if shown.status == models_pb2.STATUS_AVAILABLE:
                return shown
            time.sleep(0.05)
        raise AssertionError(f"never available: {shown}")

    def upload(content, name, multipart, part_size=5 << 20, **more):
        stage = o.StageObject(
            filename=name,
            sub_path="batch-3",
            content_len=len(content),
            dataclass=models_pb2.DATA_CLASS_PRIVATE,
            labels=[models_pb2.KeyValue(key="sample", value="S17")],
        )
        begun = objects.InitializeNewObject(
            o.InitializeNewObjectRequest(object=stage, collection_id=one, multipart=multipart, **more)
        )
        return fill(begun.object_id, begun.upload_id, content, multipart, part_size)

    def fill(which, upload_id, content, multipart, part_size=5 << 20):
        parts = []
        pieces = [content[at : at + part_size] for at in range(0, len(content), part_size)] if multipart else [content]
        for number, piece in enumerate(pieces, 1):
            request = o.GetUploadURLRequest(collection_id=one, object_id=which, upload_id=upload_id)
            if multipart:
                request.multipart, request.part_number = True, number
            _, headers, _ = send("PUT", objects.GetUploadURL(request).url.url, piece)
            etag = headers["ETag"].strip().replace('"', "")
            parts.append(o.CompletedParts(etag=etag, part=number))
        if multipart:
            objects.FinishObjectStaging(
                o.FinishObjectStagingRequest(
                    collection_id=one, object_id=which, upload_id=upload_id, completed_parts=parts, auto_update=True
                )
            )
        return available(one, which)

    def digest_of(shown):
        return next(told.hash for told in shown.hashes if told.alg == models_pb2.HASHALGORITHM_SHA256)

    def fetch(which):
        url = objects.GetDownloadURL(o.GetDownloadURLRequest(collection_id=one, object_id=which)).url.url
        return send("GET", url)[2]

    small, large = b"0123456789" * 1000, bytes(range(256)) * (6 << 12)
    declared = models_pb2.Hash(alg=models_pb2.HASHALGORITHM_SHA256, hash=hashlib.sha256(small).hexdigest())
    whole = upload(small, "whole.csv", False, hash=declared)
    in_parts = upload(large, "parts.raw", True)
    for shown, content in ((whole, small), (in_parts, large)):
        assert digest_of(shown) == hashlib.sha256(content).hexdigest(), shown
        assert fetch(shown.id) == content and shown.content_len == len(content)
    links = objects.GetDownloadLinksBatch(
        o.GetDownloadLinksBatchRequest(collection_id=one, objects=[whole.id, in_parts.id])
    )
    seen["links"] = len(links.urls)

    empty = objects.InitializeNewObject(
        o.InitializeNewObjectRequest(
            object=o.StageObject(filename="empty.txt", dataclass=models_pb2.DATA_CLASS_PRIVATE), collection_id=one
        )
    )
    objects.FinishObjectStaging(
        o.FinishObjectStagingRequest(
            collection_id=one, object_id=empty.object_id, upload_id=empty.upload_id, no_upload=True, auto_update=True
        )
    )
    page = query_pb2.PageRequest(page_size=2)
    listed = objects.GetObjects(o.GetObjectsRequest(collection_id=one, page_request=page)).objects
    seen["page"] = len(listed)
    chosen = query_pb2.LabelOrIDQuery(ids=[whole.id])
    listed = objects.GetObjects(o.GetObjectsRequest(collection_id=one, label_id_filter=chosen)).objects
    seen["by_id"] = [found.object.filename for found in listed]

    label = models_pb2.KeyValue(key="stage", value="3 dpf")
    objects.AddLabelsToObject(
        o.AddLabelsToObjectRequest(collection_id=one, object_id=whole.id, labels_to_add=[label])
    )
    objects.SetHooksOfObject(o.SetHooksOfObjectRequest(collection_id=one, object_id=whole.id, hooks=[label]))
    seen["labels"] = {told.key: told.value for told in by_id(one, whole.id).object.labels}

    stage = o.StageObject(
        filename="whole.csv", sub_path="batch-3", content_len=len(large), dataclass=models_pb2.DATA_CLASS_PUBLIC
    )
    update = objects.UpdateObject(
        o.UpdateObjectRequest(object=stage, collection_id=one, object_id=whole.id, reupload=True, multi_part=True)
    )
    again = fill(update.object_id, update.staging_id, large, True)
    seen["revision"] = again.rev_number
    revisions = objects.GetObjectRevisions(
        o.GetObjectRevisionsRequest(collection_id=one, object_id=again.id)
    ).objects
    seen["revisions"] = [told.object.rev_number for told in revisions]
    latest = objects.GetLatestObjectRevision(
        o.GetLatestObjectRevisionRequest(collection_id=one, object_id=again.id)
    ).object
    assert latest.object.id == again.id and fetch(again.id) == large

    objects.CreateObjectReference(
        o.CreateObjectReferenceRequest(
            object_id=again.id, collection_id=one, target_collection_id=two, writeable=True, auto_update=True
        )
    )
    references = objects.GetReferences(o.GetReferencesRequest(collection_id=one, object_id=again.id)).references
    seen["references"] = [[told.collection_id == one, told.is_writeable] for told in references]
    copy = objects.CloneObject(
        o.CloneObjectRequest(object_id=in_parts.id, collection_id=one, target_collection_id=two)
    ).object
    assert digest_of(copy) == digest_of(in_parts)
    paths = objects.GetObjectPath(o.GetObjectPathRequest(collection_id=one, object_id=in_parts.id)).object_paths
    seen["path"] = [told.path for told in paths]
    objects.GetObjectEndpoints(o.GetObjectEndpointsRequest(collection_id=one, object_id=in_parts.id))

    for which in (in_parts.id, again.id):
        objects.DeleteObject(
            o.DeleteObjectRequest(object_id=which, collection_id=one, with_revisions=True, force=False)
        )
    try:
        by_id(one, in_parts.id)
    except Refused as refused:
        seen["deleted"] = [refused.status, refused.code]
    seen["moved"] = by_id(two, again.id).object.filename
    version = models_pb2.Version(major=1, minor=2, patch=3)
    pinned = collections.PinCollectionVersion(
        c.PinCollectionVersionRequest(collection_id=two, version=version)
    ).collection
    seen["pinned"] = pinned.semantic_version.minor
    collections.DeleteCollection(c.DeleteCollectionRequest(collection_id=one, force=True))
    seen["calls"] = channel.calls
    json.dump(seen, sys.stdout)


main()
