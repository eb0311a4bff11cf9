// SPDX-License-Identifier: Apache-2.0
// What leading links to new ids costs at least, from sealed lines to sealed lines: libzstd, libcrypto, a table in memory,
// one thread. The ids are neither pseudonyms nor checked, and nothing can go on where it stopped. It measures each part
// by the thread's own clock and prints JSON.
//
//   remap seal LINKS.csv SEALED            makes the input: {"from":"p1","to":"c2"} a link
//   remap links SEALED IDS.csv REMAPPED    the same with the new ids, sealed, and the number of the link

#include "sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part { TABLE, OPEN, LOOK_UP, SEAL, PARTS };
static const char *const part_names[PARTS] = {"table", "open", "look up", "seal"};

enum { ID_BYTES_MAX = 16, LINE_BYTES_MAX = 256, BATCH_BYTES = 64 << 10 };

struct id {
    unsigned char count;
    char bytes[ID_BYTES_MAX - 1];
};

/// The old and the new id. The table has a power of two of places; a free one has no bytes.
static struct place {
    struct id old, new;
} *table;
static size_t mask;

static struct id id_of(const char *bytes, size_t count) {
    struct id id = {0};
    if (!count || count > sizeof id.bytes) fail("an id has %zu bytes", count);
    id.count = (unsigned char)count;
    memcpy(id.bytes, bytes, count);
    return id;
}

/// Where the id stands, or the free place where it belongs.
static struct place *place_of(const struct id *id) {
    uint64_t halves[2];
    memcpy(halves, id, sizeof halves);
    // Multiply and fold, as in wyhash.
    const unsigned __int128 product =
        (unsigned __int128)(halves[0] ^ 0x9e3779b97f4a7c15) * (halves[1] ^ 0xd1b54a32d192ed03);
    for (size_t at = (size_t)(product >> 64 ^ product) & mask;; at = (at + 1) & mask) {
        struct place *place = &table[at];
        if (!place->old.count || !memcmp(&place->old, id, sizeof *id)) return place;
    }
}

/// The two values of a line of two columns.
static void split(const char *line, struct id *first, struct id *second) {
    const char *comma = strchr(line, ',');
    if (!comma) fail("a line has no comma");
    *first = id_of(line, (size_t)(comma - line));
    *second = id_of(comma + 1, strcspn(comma + 1, "\r\n"));
}

static FILE *table_of_two(const char *path) {
    char heading[LINE_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file || !fgets(heading, sizeof heading, file)) fail("cannot read %s", path);
    return file;
}

static void seal_links(const char *from, const char *to) {
    char line[LINE_BYTES_MAX];
    FILE *links = table_of_two(from);
    struct sealed_writer *writer = seal_into(to);
    struct id one, other;
    while (fgets(line, sizeof line, links)) {
        split(line, &one, &other);
        const int count = snprintf(
            line, sizeof line, "{\"from\":\"%.*s\",\"to\":\"%.*s\"}\n", one.count, one.bytes, other.count, other.bytes);
        seal(writer, line, (size_t)count);
    }
    finish_sealing(writer);
}

static void read_ids(const char *path) {
    char line[LINE_BYTES_MAX];
    size_t count = 0;
    FILE *ids = table_of_two(path);
    while (fgets(line, sizeof line, ids)) count++;
    // At most three quarters of the places are taken.
    for (mask = 1; mask * 3 < count * 4; mask *= 2) continue;
    table = calloc(mask--, sizeof *table);
    if (!table) fail("out of memory");
    rewind(ids);
    if (!fgets(line, sizeof line, ids)) fail("cannot read %s", path);
    while (fgets(line, sizeof line, ids)) {
        struct place place;
        split(line, &place.old, &place.new);
        *place_of(&place.old) = place;
    }
    fclose(ids);
    charge(TABLE);
}

/// The new id of the value that begins here, and where it ends.
static const struct id *new_id(const char **at) {
    const char *end = strchr(*at, '"');
    const struct id id = id_of(*at, (size_t)(end - *at));
    const struct place *place = place_of(&id);
    if (!place->old.count) fail("a link leads nowhere");
    *at = end;
    return &place->new;
}

static void remap(const char *from, const char *ids, const char *to) {
    static const char opening[] = "{\"from\":\"", middle[] = "\",\"to\":\"";
    start_charging();
    read_ids(ids);
    struct sealed_reader *links = open_sealed(from);
    struct sealed_writer *writer = seal_into(to);
    struct text lines = {0};
    uint64_t ordinal = 0;
    size_t count;
    for (const char *line; (line = next_line(links, &count, OPEN, LOOK_UP)); ordinal++) {
        const char *at = line + sizeof opening - 1;
        const struct id *one = new_id(&at);
        at += sizeof middle - 1;
        const struct id *other = new_id(&at);
        char remapped[LINE_BYTES_MAX];
        char *end = remapped + sprintf(remapped, "{\"n\":%llu,\"from\":\"", (unsigned long long)ordinal);
        memcpy(end, one->bytes, one->count), end += one->count;
        memcpy(end, middle, sizeof middle - 1), end += sizeof middle - 1;
        memcpy(end, other->bytes, other->count), end += other->count;
        memcpy(end, "\"}\n", 3), end += 3;
        append(&lines, remapped, (size_t)(end - remapped));
        if (lines.count < BATCH_BYTES) continue;
        charge(LOOK_UP);
        seal(writer, lines.bytes, lines.count);
        lines.count = 0;
        charge(SEAL);
    }
    charge(LOOK_UP);
    seal(writer, lines.bytes, lines.count);
    finish_sealing(writer);
    charge(SEAL);
    print_parts(ordinal, part_names, PARTS);
}

int main(int count, char **arguments) {
    if (count == 4 && !strcmp(arguments[1], "seal")) seal_links(arguments[2], arguments[3]);
    else if (count == 5 && !strcmp(arguments[1], "links")) remap(arguments[2], arguments[3], arguments[4]);
    else fail("usage: remap seal LINKS.csv SEALED | remap links SEALED IDS.csv REMAPPED");
    return 0;
}
