# SPDX-License-Identifier: Apache-2.0
"""A low-code source of Airbyte's CDK: extract_airbyte.py URL FOLDER. Its messages go to one plain file."""

import json
import logging
import pathlib
import sys

from airbyte_cdk.models import (
    AirbyteMessageSerializer, ConfiguredAirbyteCatalogSerializer, Type)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

url, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
logging.disable(logging.CRITICAL)
folder.mkdir(parents=True)
SCHEMA = {"type": "object", "additionalProperties": True, "properties": {"id": {"type": "string"}}}
MANIFEST = {
    "version": "6.0.0",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": ["contacts"]},
    "streams": [{
        "type": "DeclarativeStream",
        "name": "contacts",
        "primary_key": "id",
        "schema_loader": {"type": "InlineSchemaLoader", "schema": SCHEMA},
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester", "url_base": url, "path": "/crm/v3/objects/contacts", "http_method": "GET",
                "authenticator": {"type": "BearerAuthenticator", "api_token": "token"},
            },
            "record_selector": {
                "type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["results"]}},
            "paginator": {
                "type": "DefaultPaginator",
                "page_size_option": {
                    "type": "RequestOption", "inject_into": "request_parameter", "field_name": "limit"},
                "page_token_option": {
                    "type": "RequestOption", "inject_into": "request_parameter", "field_name": "after"},
                "pagination_strategy": {
                    "type": "CursorPagination", "page_size": 100,
                    "cursor_value": "{{ response.paging.next.after }}",
                    "stop_condition": "{{ not response.get('paging') }}",
                },
            },
        },
    }],
}
CATALOG = ConfiguredAirbyteCatalogSerializer.load({"streams": [{
    "stream": {"name": "contacts", "json_schema": SCHEMA, "supported_sync_modes": ["full_refresh"]},
    "sync_mode": "full_refresh", "destination_sync_mode": "append",
}]})

source = ConcurrentDeclarativeSource(catalog=CATALOG, config={}, state=[], source_config=MANIFEST)
records = 0
with open(folder / "messages.jsonl", "w", encoding="utf-8") as output:
    for message in source.read(logging.getLogger("airbyte"), {}, CATALOG, []):
        if message.type == Type.RECORD:
            records += 1
            output.write(json.dumps(AirbyteMessageSerializer.dump(message)) + "\n")
print(json.dumps({"records": records}))
