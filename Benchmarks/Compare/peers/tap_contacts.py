# SPDX-License-Identifier: Apache-2.0
"""A Singer tap for contacts, as its SDK would have it written."""

import singer_sdk
from singer_sdk import typing
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import JSONPathPaginator


class Contacts(singer_sdk.RESTStream):
    name = "contacts"
    path = "/crm/v3/objects/contacts"
    primary_keys = ("id",)
    records_jsonpath = "$.results[*]"
    schema = typing.PropertiesList(
        typing.Property("id", typing.StringType),
        typing.Property("properties", typing.ObjectType(additional_properties=True)),
        typing.Property("createdAt", typing.DateTimeType),
        typing.Property("updatedAt", typing.DateTimeType),
        typing.Property("archived", typing.BooleanType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return self.config["url"]

    @property
    def authenticator(self):
        return BearerTokenAuthenticator(token=self.config["token"])

    def get_new_paginator(self):
        return JSONPathPaginator("$.paging.next.after")

    def get_url_params(self, context, next_page_token):
        return {"limit": 100} | ({"after": next_page_token} if next_page_token else {})


class TapContacts(singer_sdk.Tap):
    name = "tap-contacts"
    config_jsonschema = typing.PropertiesList(
        typing.Property("url", typing.StringType, required=True),
        typing.Property("token", typing.StringType, required=True),
    ).to_dict()

    def discover_streams(self):
        return [Contacts(self)]


if __name__ == "__main__":
    TapContacts.cli()
