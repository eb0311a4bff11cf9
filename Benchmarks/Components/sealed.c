// SPDX-License-Identifier: Apache-2.0
// A counter is the nonce of each frame, and the key is no secret: what is measured is what it costs.

#define _GNU_SOURCE
#include "sealed.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

enum { FRAME_BYTES = 64 << 10, TAG_BYTES = 16 };

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double seconds[PARTS_MAX], since;

static double thread_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void start_charging(void) { since = thread_seconds(); }

void charge(int part) {
    const double now = thread_seconds();
    seconds[part] += now - since;
    since = now;
}

void print_parts(uint64_t records, const char *const *names, int count) {
    printf("{\"records\":%llu,\"seconds\":{", (unsigned long long)records);
    for (int i = 0; i < count; i++) printf("%s\"%s\":%.6f", i ? "," : "", names[i], seconds[i]);
    puts("}}");
}

void append(struct text *text, const char *bytes, size_t count) {
    if (text->count + count > text->capacity) {
        text->capacity = (text->count + count) * 2;
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes) fail("out of memory");
    }
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

static void *allocated(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) fail("out of memory");
    return memory;
}

/// A file with the cipher that its next frame takes.
struct frames {
    FILE *file;
    EVP_CIPHER_CTX *cipher;
    uint64_t number;
};

static struct frames frames_of(const char *path, const char *mode) {
    struct frames frames = {fopen(path, mode), EVP_CIPHER_CTX_new(), 0};
    if (!frames.file || !frames.cipher) fail("cannot open %s", path);
    return frames;
}

static void begin_frame(struct frames *frames, bool seals) {
    static const unsigned char key[32] = {1};
    unsigned char nonce[12] = {0};
    memcpy(nonce, &frames->number, sizeof frames->number);
    frames->number++;
    if (!EVP_CipherInit_ex(frames->cipher, EVP_chacha20_poly1305(), NULL, key, nonce, seals)) fail("the cipher failed");
}

struct sealed_writer {
    struct frames frames;
    ZSTD_CCtx *zstd;
    unsigned char frame[FRAME_BYTES];
    size_t count;
};

struct sealed_writer *seal_into(const char *path) {
    struct sealed_writer *writer = allocated(sizeof *writer);
    writer->frames = frames_of(path, "wb");
    writer->zstd = ZSTD_createCCtx();
    if (!writer->zstd) fail("out of memory");
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, 1);
    return writer;
}

static void seal_frame(struct sealed_writer *writer) {
    static unsigned char sealed[FRAME_BYTES + TAG_BYTES];
    EVP_CIPHER_CTX *cipher = writer->frames.cipher;
    int length = 0, rest = 0;
    begin_frame(&writer->frames, true);
    if (!EVP_CipherUpdate(cipher, sealed, &length, writer->frame, (int)writer->count)
        || !EVP_CipherFinal_ex(cipher, sealed + length, &rest)
        || !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + writer->count))
        fail("the cipher failed");
    if (fwrite(sealed, writer->count + TAG_BYTES, 1, writer->frames.file) != 1) fail("cannot write");
    writer->count = 0;
}

static void compress(struct sealed_writer *writer, const char *bytes, size_t count, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in = {bytes, count, 0};
    for (;;) {
        ZSTD_outBuffer out = {writer->frame, FRAME_BYTES, writer->count};
        const size_t left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
        if (ZSTD_isError(left)) fail("zstd: %s", ZSTD_getErrorName(left));
        writer->count = out.pos;
        if (writer->count == FRAME_BYTES) seal_frame(writer);
        else if (directive == ZSTD_e_end ? !left : in.pos == in.size) return;
    }
}

void seal(struct sealed_writer *writer, const char *bytes, size_t count) {
    compress(writer, bytes, count, ZSTD_e_continue);
}

void finish_sealing(struct sealed_writer *writer) {
    compress(writer, NULL, 0, ZSTD_e_end);
    if (writer->count) seal_frame(writer);
    if (fclose(writer->frames.file)) fail("cannot write");
}

struct sealed_reader {
    struct frames frames;
    ZSTD_DCtx *zstd;
    struct text plain;
    size_t start;
};

struct sealed_reader *open_sealed(const char *path) {
    struct sealed_reader *reader = allocated(sizeof *reader);
    reader->frames = frames_of(path, "rb");
    reader->zstd = ZSTD_createDCtx();
    if (!reader->zstd) fail("out of memory");
    return reader;
}

/// Opens one more frame; false at the end of the file.
static bool open_frame(struct sealed_reader *reader) {
    static unsigned char sealed[FRAME_BYTES + TAG_BYTES], frame[FRAME_BYTES];
    static char inflated[1 << 18];
    struct text *plain = &reader->plain;
    EVP_CIPHER_CTX *cipher = reader->frames.cipher;
    const size_t count = fread(sealed, 1, sizeof sealed, reader->frames.file);
    if (count <= TAG_BYTES) return false;
    int length = 0, rest = 0;
    begin_frame(&reader->frames, false);
    if (!EVP_CipherUpdate(cipher, frame, &length, sealed, (int)count - TAG_BYTES)
        || !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, sealed + count - TAG_BYTES)
        || !EVP_CipherFinal_ex(cipher, frame + length, &rest))
        fail("a frame is not what was sealed");
    if (plain->count) memmove(plain->bytes, plain->bytes + reader->start, plain->count -= reader->start);
    reader->start = 0;
    ZSTD_inBuffer in = {frame, (size_t)length, 0};
    for (bool is_full = true; in.pos < in.size || is_full;) {
        ZSTD_outBuffer out = {inflated, sizeof inflated, 0};
        const size_t left = ZSTD_decompressStream(reader->zstd, &out, &in);
        if (ZSTD_isError(left)) fail("zstd: %s", ZSTD_getErrorName(left));
        append(plain, inflated, out.pos);
        is_full = out.pos == out.size;
    }
    return true;
}

const char *next_line(struct sealed_reader *reader, size_t *count, int open_part, int other_part) {
    for (;;) {
        char *start = reader->plain.bytes + reader->start, *end = NULL;
        if (reader->plain.count) end = memchr(start, '\n', reader->plain.count - reader->start);
        if (end) {
            *count = (size_t)(end - start);
            reader->start += *count + 1;
            return start;
        }
        charge(other_part);
        const bool is_opened = open_frame(reader);
        charge(open_part);
        if (!is_opened) return NULL;
    }
}
