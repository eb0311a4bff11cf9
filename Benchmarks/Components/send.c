// SPDX-License-Identifier: Apache-2.0
// What sending rows costs at least, when what becomes of each is to survive a crash: libzstd, libcrypto, libcurl, SQLite,
// one thread. Nothing is mapped, validated or retried. It measures each part by the thread's own clock and prints JSON.
//
//   send seal CONTACTS.ndjson SEALED     makes the input: a line a contact, zstd 1, sealed in frames of 64 KiB
//   send rows SEALED URL DATABASE        PATCHes {"records":[…]}, 100 a call, 8 calls in flight
//
// As in Migratez a call's intent is durable before it is sent and the outcome of each of its rows after its answer; calls
// that are ready at the same time share a commit.

#define _GNU_SOURCE
#include "sealed.h"

#include <curl/curl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The ids that sink.c gives have 15 characters.
enum { BATCH = 100, IN_FLIGHT = 8, ID_BYTES = 15 };

enum part { OPEN, BUILD, SEND, ANSWER, RECORD, PARTS };
static const char *const part_names[PARTS] = {"open", "build", "send", "answer", "record"};

static struct sealed_reader *contacts;

/// Compresses and seals a file of lines.
static void seal_lines(const char *from, const char *to) {
    static char input[64 << 10];
    FILE *lines = fopen(from, "rb");
    if (!lines) fail("cannot open %s", from);
    struct sealed_writer *writer = seal_into(to);
    for (size_t count; (count = fread(input, 1, sizeof input, lines));) seal(writer, input, count);
    finish_sealing(writer);
}

// Calls.

struct call {
    CURL *curl;
    struct text body, answer;
    uint64_t first;
    size_t rows;
    char source_ids[BATCH][24];
    bool is_ready;
};

static uint64_t ordinal;

/// `{"id":"7","properties":{…},"createdAt":…}` as a row; false if there is none left.
static bool append_row(struct call *call) {
    static const char opening[] = "\"properties\":{", closing[] = "},\"createdAt\"";
    size_t count = 0;
    const char *line = next_line(contacts, &count, OPEN, BUILD);
    if (!line) return false;
    const char *id = line + 7, *id_end = memchr(id, '"', count - 7);
    const char *fields = memmem(line, count, opening, sizeof opening - 1);
    const char *end = memmem(line, count, closing, sizeof closing - 1);
    if (!id_end || !fields || !end) fail("line %llu is no contact", (unsigned long long)ordinal);
    fields += sizeof opening - 1;
    char *source_id = call->source_ids[call->rows];
    snprintf(source_id, sizeof *call->source_ids, "%.*s", (int)(id_end - id), id);
    char head[128];
    const int head_count = snprintf(
        head, sizeof head, "%s{\"attributes\":{\"type\":\"Contact\"},\"Migratez_Id__c\":\"hubspot-contact-%s\",",
        call->rows ? "," : "", source_id);
    append(&call->body, head, (size_t)head_count);
    append(&call->body, fields, (size_t)(end - fields));
    append(&call->body, "}", 1);
    call->rows++;
    return true;
}

static bool fill(struct call *call) {
    static const char opening[] = "{\"allOrNone\":false,\"records\":[";
    call->body.count = call->answer.count = call->rows = 0;
    call->first = ordinal;
    append(&call->body, opening, sizeof opening - 1);
    while (call->rows < BATCH && append_row(call)) continue;
    append(&call->body, "]}", 2);
    ordinal += call->rows;
    charge(BUILD);
    return call->is_ready = call->rows > 0;
}

static size_t receive(char *bytes, size_t size, size_t count, void *call) {
    append(&((struct call *)call)->answer, bytes, size * count);
    return size * count;
}

// The record of it.

static sqlite3 *database;
static sqlite3_stmt *begin, *commit, *open_batch, *settle_batch, *add_row;

static void step(sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement)) fail("%s", sqlite3_errmsg(database));
}

static sqlite3_stmt *prepared(const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL)) fail("%s", sqlite3_errmsg(database));
    return statement;
}

static void open_database(const char *path) {
    static const char schema[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE batches (first INTEGER PRIMARY KEY, rows INTEGER NOT NULL, is_settled INTEGER NOT NULL);"
        "CREATE TABLE records (stream INTEGER, ordinal INTEGER, outcome INTEGER NOT NULL, source_id TEXT,"
        " target_id TEXT, PRIMARY KEY (stream, ordinal)) WITHOUT ROWID;";
    if (sqlite3_open(path, &database) || sqlite3_exec(database, schema, NULL, NULL, NULL)) fail("cannot make %s", path);
    begin = prepared("BEGIN IMMEDIATE"), commit = prepared("COMMIT");
    open_batch = prepared("INSERT INTO batches VALUES (?, ?, 0)");
    settle_batch = prepared("UPDATE batches SET is_settled = 1 WHERE first = ?");
    add_row = prepared("INSERT INTO records VALUES (1, ?, 1, ?, ?)");
}

static void note_intent(const struct call *call) {
    sqlite3_bind_int64(open_batch, 1, (sqlite3_int64)call->first);
    sqlite3_bind_int64(open_batch, 2, (sqlite3_int64)call->rows);
    step(open_batch);
}

static void note_outcomes(struct call *call) {
    static const char mark[] = "\"id\":\"";
    const char *at = call->answer.bytes, *end = at + call->answer.count, *ids[BATCH];
    for (size_t i = 0; i < call->rows; i++) {
        at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
        if (!at || (at += sizeof mark - 1) + ID_BYTES > end) fail("a row has no answer");
        ids[i] = at;
    }
    charge(ANSWER);
    for (size_t i = 0; i < call->rows; i++) {
        sqlite3_bind_int64(add_row, 1, (sqlite3_int64)(call->first + i));
        sqlite3_bind_text(add_row, 2, call->source_ids[i], -1, SQLITE_STATIC);
        sqlite3_bind_text(add_row, 3, ids[i], ID_BYTES, SQLITE_STATIC);
        step(add_row);
    }
    charge(RECORD);
    sqlite3_bind_int64(settle_batch, 1, (sqlite3_int64)call->first);
    step(settle_batch);
}

static struct call calls[IN_FLIGHT];

/// Fills every call that is idle, makes their intents durable, and sends them.
static int start_calls(CURLM *multi) {
    int started = 0;
    struct call *starting[IN_FLIGHT];
    for (struct call *call = calls; call < calls + IN_FLIGHT; call++) {
        if (!call->is_ready && fill(call)) starting[started++] = call;
    }
    if (!started) return 0;
    step(begin);
    for (int i = 0; i < started; i++) note_intent(starting[i]);
    step(commit);
    charge(RECORD);
    for (int i = 0; i < started; i++) {
        curl_easy_setopt(starting[i]->curl, CURLOPT_POSTFIELDS, starting[i]->body.bytes);
        curl_easy_setopt(starting[i]->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)starting[i]->body.count);
        curl_multi_add_handle(multi, starting[i]->curl);
    }
    return started;
}

/// Makes durable what the answers say that have come; returns how many.
static int end_calls(CURLM *multi) {
    CURLMsg *message;
    int ended = 0, left;
    while ((message = curl_multi_info_read(multi, &left))) {
        struct call *call;
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        if (message->data.result != CURLE_OK || status != 200) fail("a call failed with status %ld", status);
        curl_multi_remove_handle(multi, call->curl);
        charge(SEND);
        if (!ended++) step(begin);
        note_outcomes(call);
        call->is_ready = false;
    }
    if (ended) step(commit);
    charge(RECORD);
    return ended;
}

static void send_rows(const char *from, const char *url, const char *path) {
    contacts = open_sealed(from);
    open_database(path);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    for (struct call *call = calls; call < calls + IN_FLIGHT; call++) {
        call->curl = curl_easy_init();
        curl_easy_setopt(call->curl, CURLOPT_URL, url);
        curl_easy_setopt(call->curl, CURLOPT_CUSTOMREQUEST, "PATCH");
        curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(call->curl, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, receive);
        curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, call);
        curl_easy_setopt(call->curl, CURLOPT_PRIVATE, call);
    }
    start_charging();
    for (int under_way = start_calls(multi); under_way > 0; under_way += start_calls(multi)) {
        int running;
        curl_multi_perform(multi, &running);
        charge(SEND);
        const int ended = end_calls(multi);
        under_way -= ended;
        if (!ended) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    print_parts(ordinal, part_names, PARTS);
    sqlite3_close(database);
}

int main(int count, char **arguments) {
    if (count == 4 && !strcmp(arguments[1], "seal")) seal_lines(arguments[2], arguments[3]);
    else if (count == 5 && !strcmp(arguments[1], "rows")) send_rows(arguments[2], arguments[3], arguments[4]);
    else fail("usage: send seal CONTACTS.ndjson SEALED | send rows SEALED URL DATABASE");
    return 0;
}
