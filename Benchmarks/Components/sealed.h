// SPDX-License-Identifier: Apache-2.0
// Lines in files as Migratez seals them, compressed by zstd and in frames of 64 KiB, and the time that each part takes.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Prints what is wrong and ends the program.
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/// Starts to measure; the parts are numbered from 0 and at most `PARTS_MAX`.
void start_charging(void);

/// What the thread has spent since the last call is `part`'s.
void charge(int part);

/// Prints `{"records":N,"seconds":{NAME:S,…}}`.
void print_parts(uint64_t records, const char *const *names, int count);

enum { PARTS_MAX = 8 };

struct text {
    char *bytes;
    size_t count, capacity;
};

void append(struct text *text, const char *bytes, size_t count);

/// A sealed file that lines are put into.
struct sealed_writer;
struct sealed_writer *seal_into(const char *path);
void seal(struct sealed_writer *writer, const char *bytes, size_t count);
void finish_sealing(struct sealed_writer *writer);

/// A sealed file that lines come from.
struct sealed_reader;
struct sealed_reader *open_sealed(const char *path);

/// The next line without its end, valid until the next call; NULL after the last. What it costs to open is `open_part`'s,
/// what came before it `other_part`'s.
const char *next_line(struct sealed_reader *reader, size_t *count, int open_part, int other_part);
