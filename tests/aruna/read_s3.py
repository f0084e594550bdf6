"""Lists a bucket and reads one object of it with boto3; prints keys, length and SHA-256 as JSON."""

import hashlib
import json
import sys

import boto3

address, key_id, secret, bucket, key = sys.argv[1:]
s3 = boto3.client(
    "s3", endpoint_url=address, aws_access_key_id=key_id, aws_secret_access_key=secret, region_name="us-east-1"
)
keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
size, digest = 0, hashlib.sha256()
if key in keys:
    for piece in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
        size += len(piece)
        digest.update(piece)
print(json.dumps({"keys": sorted(keys), "size": size, "sha256": digest.hexdigest()}))
