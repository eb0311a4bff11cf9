// SPDX-License-Identifier: Apache-2.0
// What reading pages into compressed and encrypted files costs at least: libcurl, one scan, libzstd, libcrypto, one
// thread, no retries, no manifest, no way to go on. It measures each part by the thread's own clock and prints JSON.
//
//   limit URL FOLDER [--gzip] [--validate] [--zstd LEVEL] [--cipher chacha20-poly1305|aes-256-gcm|none]
//
// URL is the first page; the next one is URL&after=CURSOR. --gzip accepts compressed pages, whose inflating counts as
// receiving. A zstd level of 0 leaves compression out. Files end as
// Migratez's chunks do: after 16 MiB of lines, sealed in frames of 64 KiB, made durable before the next one begins.

#include "scan.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { FRAME_BYTES = 64 << 10, TAG_BYTES = 16, CHUNK_BYTES = 16 << 20, PAGE_BYTES_MAX = 32 << 20 };

enum part { RECEIVE, SCAN, COMPRESS, SEAL, WRITE, PARTS };
static const char *const part_names[PARTS] = {"receive", "scan", "compress", "seal", "write"};

static struct {
    double seconds[PARTS], since;
    uint64_t records, page_bytes, file_bytes;
} spent;

static struct {
    const char *url, *folder;
    bool accepts_gzip, validates;
    int level;
    const EVP_CIPHER *cipher;
} options = {.level = 1};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("limit: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double thread_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/// What has passed since the last call is `part`'s.
static void charge(enum part part) {
    const double now = thread_seconds();
    spent.seconds[part] += now - spent.since;
    spent.since = now;
}

// One chunk: lines go in, sealed frames go to a file.

static struct {
    int file, number;
    uint64_t plain_bytes, frame_number;
    char frame[FRAME_BYTES];
    size_t frame_count;
    unsigned char key[32];
    ZSTD_CCtx *zstd;
    EVP_CIPHER_CTX *cipher;
} chunk = {.file = -1};

static void write_all(const void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        const ssize_t written = write(chunk.file, (const char *)bytes + done, count - done);
        if (written < 0) fail("cannot write chunk %d", chunk.number);
        done += (size_t)written;
    }
    spent.file_bytes += count;
    charge(WRITE);
}

static void seal_frame(void) {
    static unsigned char sealed[FRAME_BYTES + TAG_BYTES];
    if (!chunk.frame_count) return;
    if (!options.cipher) {
        write_all(chunk.frame, chunk.frame_count);
        chunk.frame_count = 0;
        return;
    }
    // A key is used for one file only, so a counter is nonce enough.
    unsigned char nonce[12] = {0};
    memcpy(nonce, &chunk.frame_number, sizeof chunk.frame_number);
    chunk.frame_number++;
    int count = 0, rest = 0;
    if (!EVP_EncryptInit_ex(chunk.cipher, NULL, NULL, NULL, nonce)
        || !EVP_EncryptUpdate(chunk.cipher, sealed, &count, (unsigned char *)chunk.frame, (int)chunk.frame_count)
        || !EVP_EncryptFinal_ex(chunk.cipher, sealed + count, &rest)
        || !EVP_CIPHER_CTX_ctrl(chunk.cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + count + rest))
        fail("the cipher failed");
    charge(SEAL);
    write_all(sealed, (size_t)(count + rest) + TAG_BYTES);
    chunk.frame_count = 0;
}

static void open_chunk(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%06d.ndjson", options.folder, ++chunk.number);
    chunk.file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (chunk.file < 0) fail("cannot create %s", path);
    charge(WRITE);
    chunk.plain_bytes = chunk.frame_number = 0;
    if (options.cipher
        && (RAND_bytes(chunk.key, sizeof chunk.key) != 1
            || !EVP_EncryptInit_ex(chunk.cipher, options.cipher, NULL, chunk.key, NULL)))
        fail("cannot make a key");
    charge(SEAL);
}

static void compress_into_frames(const char *bytes, size_t count, ZSTD_EndDirective directive) {
    ZSTD_inBuffer input = {bytes, count, 0};
    for (;;) {
        ZSTD_outBuffer output = {chunk.frame, FRAME_BYTES, chunk.frame_count};
        const size_t left = ZSTD_compressStream2(chunk.zstd, &output, &input, directive);
        if (ZSTD_isError(left)) fail("zstd: %s", ZSTD_getErrorName(left));
        chunk.frame_count = output.pos;
        charge(COMPRESS);
        if (chunk.frame_count == FRAME_BYTES) seal_frame();
        else if (directive == ZSTD_e_end ? !left : input.pos == input.size) return;
    }
}

static void append(const char *bytes, size_t count) {
    chunk.plain_bytes += count;
    if (options.level) {
        compress_into_frames(bytes, count, ZSTD_e_continue);
        return;
    }
    while (count) {
        const size_t part = count < FRAME_BYTES - chunk.frame_count ? count : FRAME_BYTES - chunk.frame_count;
        memcpy(chunk.frame + chunk.frame_count, bytes, part);
        chunk.frame_count += part, bytes += part, count -= part;
        if (chunk.frame_count == FRAME_BYTES) seal_frame();
    }
}

static void finish_chunk(void) {
    if (chunk.file < 0) return;
    if (options.level) compress_into_frames(NULL, 0, ZSTD_e_end);
    seal_frame();
    if (fsync(chunk.file) || close(chunk.file)) fail("cannot make chunk %d durable", chunk.number);
    chunk.file = -1;
    charge(WRITE);
}

// The pages.

static struct {
    char *bytes;
    size_t count, capacity;
} body;

static size_t receive(char *bytes, size_t size, size_t count, void *unused) {
    (void)unused, count *= size;
    if (body.count + count > PAGE_BYTES_MAX) return 0;
    if (body.count + count > body.capacity) {
        body.capacity = (body.count + count) * 2;
        body.bytes = realloc(body.bytes, body.capacity);
        if (!body.bytes) fail("out of memory");
    }
    memcpy(body.bytes + body.count, bytes, count);
    body.count += count;
    return count;
}

static void get(CURL *curl, const char *url) {
    long status = 0;
    body.count = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) fail("%s: %s", url, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) fail("%s: status %ld", url, status);
    spent.page_bytes += body.count;
    charge(RECEIVE);
}

static void read_pages(CURL *curl) {
    struct page page = {0};
    // Lines are gathered by the page: a call to zstd for each record would cost more than what it does.
    char *lines = NULL, url[4096];
    size_t lines_capacity = 0;
    snprintf(url, sizeof url, "%s", options.url);
    for (;;) {
        get(curl, url);
        if (!scan(body.bytes, body.count, options.validates, &page)) fail("%s is not JSON", url);
        if (lines_capacity < body.count) {
            lines_capacity = body.capacity;
            lines = realloc(lines, lines_capacity);
            if (!lines) fail("out of memory");
        }
        char *end = lines;
        for (size_t i = 0; i < page.record_count; i++) {
            memcpy(end, page.records[i].bytes, page.records[i].count);
            end += page.records[i].count;
            *end++ = '\n';
        }
        spent.records += page.record_count;
        charge(SCAN);
        if (chunk.file < 0) open_chunk();
        append(lines, (size_t)(end - lines));
        if (chunk.plain_bytes >= CHUNK_BYTES) finish_chunk();
        if (!page.after.count) break;
        snprintf(url, sizeof url, "%s&after=%.*s", options.url, (int)page.after.count, page.after.bytes);
    }
    finish_chunk();
    free(lines);
    free(page.records);
}

static void read_options(int count, char **arguments) {
    const char *cipher = "chacha20-poly1305";
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i], *next = i + 1 < count ? arguments[i + 1] : "";
        if (!strcmp(word, "--validate")) options.validates = true;
        else if (!strcmp(word, "--gzip")) options.accepts_gzip = true;
        else if (!strcmp(word, "--zstd")) options.level = atoi(next), i++;
        else if (!strcmp(word, "--cipher")) cipher = next, i++;
        else if (word[0] == '-') fail("unknown option %s", word);
        else if (!options.url) options.url = word;
        else if (!options.folder) options.folder = word;
        else fail("unknown argument %s", word);
    }
    if (!options.folder) fail("usage: limit URL FOLDER [--gzip] [--validate] [--zstd LEVEL] [--cipher NAME]");
    if (!strcmp(cipher, "none")) return;
    options.cipher = EVP_get_cipherbyname(cipher);
    if (!options.cipher || EVP_CIPHER_get_key_length(options.cipher) != sizeof chunk.key)
        fail("%s is not a cipher with a key of 32 bytes", cipher);
}

int main(int count, char **arguments) {
    read_options(count, arguments);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (options.accepts_gzip) curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    chunk.zstd = ZSTD_createCCtx();
    chunk.cipher = EVP_CIPHER_CTX_new();
    if (!curl || !chunk.zstd || !chunk.cipher) fail("out of memory");
    ZSTD_CCtx_setParameter(chunk.zstd, ZSTD_c_compressionLevel, options.level);
    spent.since = thread_seconds();
    read_pages(curl);
    printf("{\"records\":%llu,\"page_bytes\":%llu,\"file_bytes\":%llu,\"seconds\":{",
        (unsigned long long)spent.records, (unsigned long long)spent.page_bytes, (unsigned long long)spent.file_bytes);
    for (int i = 0; i < PARTS; i++) printf("%s\"%s\":%.6f", i ? "," : "", part_names[i], spent.seconds[i]);
    puts("}}");
    ZSTD_freeCCtx(chunk.zstd);
    EVP_CIPHER_CTX_free(chunk.cipher);
    curl_easy_cleanup(curl);
    free(body.bytes);
    return 0;
}
