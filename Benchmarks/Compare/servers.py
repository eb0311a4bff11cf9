# SPDX-License-Identifier: Apache-2.0
"""The servers of a measurement, each a process of its own on the loopback interface that ends with it."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import contacts

WAIT_SECONDS = 20


class Server:
    def __init__(self, process: subprocess.Popen, url: str):
        self.process, self.url = process, url

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")


@contextlib.contextmanager
def running(command: list[str], log: pathlib.Path, url: str | None = None, find_url=None):
    """Starts a server, waits until it answers, and ends it by its id; if this process is killed, it ends, too."""
    with open(log, "wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"bench: {command[0]} did not start; its log is {log}")
            found = url or find_url(log.read_text())
            if found and _answers(found):
                break
            time.sleep(0.05)
        yield Server(process, found)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def simulator(program: pathlib.Path, log: pathlib.Path, vendor: str, *arguments: str):
    def find_url(text: str) -> str | None:
        return next((word for word in text.split() if word.startswith("http://")), None)

    return running([str(program), "simulate", vendor, *arguments], log, find_url=find_url)


NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/temporary;
    proxy_temp_path {folder}/temporary;
    fastcgi_temp_path {folder}/temporary;
    uwsgi_temp_path {folder}/temporary;
    scgi_temp_path {folder}/temporary;
    default_type application/json;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    client_max_body_size 64m;
    client_body_buffer_size 4m;
    open_file_cache max=20000 inactive=3600;
{shared}
    server {{
        listen 127.0.0.1:{port};
{locations}
    }}
}}
"""

PAGES_SHARED = """    gzip_static {gzip};
    map $arg_after $page {{ default 0; "~^[0-9]+$" $arg_after; }}
"""
PAGES = """        location = /crm/v3/objects/contacts {{ root {data}; try_files /pages/$page.json =404; }}
        location = /crm/v3/objects/contacts/search {{ return 200 '{{"total":{records},"results":[]}}'; }}
        location = /crm/v3/properties/contacts {{ root {folder}; try_files /properties.json =404; }}
        location = /crm/v3/owners {{ return 200 '{{"results":[]}}'; }}
        location = /account-info/v3/details {{ return 200 '{{"portalId":1,"accountType":"STANDARD"}}'; }}
        location = /account-info/v3/api-usage/daily/private-apps {{ return 200 '{{"results":[]}}'; }}
        location = /oauth/v2/private-apps/get/access-token-info {{ return 200 '{{"scopes":[]}}'; }}
"""

ORG_SHARED = """    upstream sink {{ server {sink}; keepalive 16; }}
    upstream org {{ server {org}; keepalive 16; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
"""
ORG = """        location ~ /(composite/sobjects|batch)/ { proxy_pass http://sink; }
        location / { proxy_pass http://org; }
"""


def pages(data: pathlib.Path, folder: pathlib.Path, compressed: bool):
    """nginx with the pages of `data`, and the little else that a connector asks an account for."""
    records = json.loads((data / "data.json").read_text())["records"]
    folder.mkdir(parents=True)
    (folder / "properties.json").write_text(json.dumps({"results": [
        {"name": name, "label": name, "type": kind, "fieldType": field, "options": []}
        for name, kind, field in contacts.PROPERTIES]}))
    return _nginx(
        folder, PAGES_SHARED.format(gzip="on" if compressed else "off"),
        PAGES.format(folder=folder, data=data, records=records))


@contextlib.contextmanager
def org(program: pathlib.Path, sink: pathlib.Path, folder: pathlib.Path):
    """A Salesforce org that says of each row at once that it was created: `sink` takes the rows, the simulator answers
    everything else. Both stand behind one nginx.
    """
    folder.mkdir(parents=True)
    port = _free_port()
    with (
        running([str(sink), str(port)], folder / "sink.log", url=f"http://127.0.0.1:{port}") as rows,
        simulator(program, folder / "org.log", "salesforce", "--database", str(folder / "org.sqlite")) as rest,
        _nginx(folder, ORG_SHARED.format(sink=rows.address, org=rest.address), ORG) as server,
    ):
        yield server


def _nginx(folder: pathlib.Path, shared: str, locations: str):
    (folder / "temporary").mkdir()
    port = _free_port()
    (folder / "nginx.conf").write_text(NGINX.format(
        folder=folder, port=port, shared=shared, locations=locations,
        # Started as root, the worker would otherwise be somebody who may not read these folders.
        user="user root;" if os.geteuid() == 0 else ""))
    program = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
    return running(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        folder / "nginx.log", url=f"http://127.0.0.1:{port}")
