// SPDX-License-Identifier: Apache-2.0
// A destination that answers at once and keeps nothing: `sink PORT` takes {"records":[{"attributes":…},…]} as Salesforce
// does, or at a path with /batch/ {"inputs":[{"properties":…},…]} as HubSpot does, by any method on 127.0.0.1, and says
// that each record was created, under a new id. One thread; a body must come with its length.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 64 << 20, EVENTS_MAX = 64, ANSWER_BYTES = 160 };

struct connection {
    int socket;
    char *bytes;
    size_t count, capacity;
};

static uint64_t records;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *grown(void *bytes, size_t capacity) {
    bytes = realloc(bytes, capacity);
    if (!bytes) fail("sink: memory");
    return bytes;
}

static bool send_all(int socket, const char *bytes, size_t count) {
    while (count) {
        const ssize_t sent = send(socket, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes += sent, count -= (size_t)sent;
    }
    return true;
}

/// How a vendor's rows are told apart, and how their answer is written.
struct dialect {
    const char *status, *mark, *opening, *entry, *closing;
};

static const struct dialect salesforce = {
    "200 OK", "\"attributes\":", "[", "{\"id\":\"003%012llu\",\"success\":true,\"created\":true,\"errors\":[]}", "]"};
static const struct dialect hubspot = {
    "201 Created", "\"properties\":", "{\"status\":\"COMPLETE\",\"results\":[",
    "{\"id\":\"%llu\",\"properties\":{},\"createdAt\":\"2026-01-01T00:00:00Z\",\"updatedAt\":\"2026-01-01T00:00:00Z\"}",
    "],\"startedAt\":\"2026-01-01T00:00:00Z\",\"completedAt\":\"2026-01-01T00:00:00Z\"}"};

/// The answer to one body: an entry for each record.
static bool answer(int socket, const struct dialect *dialect, const char *body, size_t count) {
    static char *text;
    static size_t capacity;
    char head[128];
    size_t found = 0, length = 0;
    if (!text) text = grown(NULL, capacity = 1 << 16);
    length += (size_t)sprintf(text, "%s", dialect->opening);
    const char *at = body, *end = body + count;
    for (; (at = memmem(at, (size_t)(end - at), dialect->mark, strlen(dialect->mark))); at++) {
        if (capacity < length + ANSWER_BYTES * 2) text = grown(text, capacity *= 2);
        if (found++) text[length++] = ',';
        length += (size_t)sprintf(text + length, dialect->entry, (unsigned long long)++records);
    }
    length += (size_t)sprintf(text + length, "%s", dialect->closing);
    const int head_count = sprintf(
        head, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", dialect->status, length);
    return send_all(socket, head, (size_t)head_count) && send_all(socket, text, length);
}

/// Answers every request that is whole; false ends the connection.
static bool serve(struct connection *connection) {
    for (;;) {
        const char *end = memmem(connection->bytes, connection->count, "\r\n\r\n", 4);
        if (!end) return true;
        const size_t head = (size_t)(end - connection->bytes) + 4;
        // The head ends here for the search below; the byte is put back after it.
        connection->bytes[head - 1] = 0;
        const char *field = strcasestr(connection->bytes, "\r\nContent-Length:");
        const size_t length = field ? strtoull(field + 17, NULL, 10) : 0;
        const struct dialect *dialect = strstr(connection->bytes, "/batch/") ? &hubspot : &salesforce;
        connection->bytes[head - 1] = '\n';
        if (length > REQUEST_BYTES_MAX) return false;
        if (connection->count < head + length) return true;
        if (!answer(connection->socket, dialect, connection->bytes + head, length)) return false;
        connection->count -= head + length;
        memmove(connection->bytes, connection->bytes + head + length, connection->count);
    }
}

static bool take(struct connection *connection) {
    if (connection->capacity - connection->count < 1 << 16) {
        connection->capacity = connection->capacity * 2 + (1 << 17);
        connection->bytes = grown(connection->bytes, connection->capacity);
    }
    const ssize_t count = recv(
        connection->socket, connection->bytes + connection->count, connection->capacity - connection->count, 0);
    if (count <= 0) return count < 0 && errno == EINTR;
    connection->count += (size_t)count;
    return serve(connection);
}

static void accept_one(int listener, int poll) {
    const int on = 1;
    struct connection *connection = grown(NULL, sizeof *connection);
    *connection = (struct connection){.socket = accept(listener, NULL, NULL)};
    if (connection->socket < 0) fail("sink: accept");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, connection->socket, &event)) fail("sink: epoll_ctl");
}

int main(int count, char **arguments) {
    const int port = count == 2 ? atoi(arguments[1]) : 0, on = 1;
    if (port <= 0) return fputs("usage: sink PORT\n", stderr), 64;
    const int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) fail("sink: bind");
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event)) fail("sink: epoll_ctl");
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        const int ready = epoll_wait(poll, events, EVENTS_MAX, -1);
        if (ready < 0 && errno != EINTR) fail("sink: epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) {
                accept_one(listener, poll);
            } else if (!take(connection)) {
                close(connection->socket);
                free(connection->bytes);
                free(connection);
            }
        }
    }
}
