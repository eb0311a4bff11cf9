// SPDX-License-Identifier: Apache-2.0
// A recursive descent over the text. Strings are most of a CRM's page, so their insides are skipped 16 bytes at a time.

#include "scan.h"

#include <emmintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 128 };

struct scanner {
    const unsigned char *at, *end;
    bool validates;
    struct page *page;
};

static bool value(struct scanner *s, int depth, bool is_results);

static void skip_space(struct scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')) s->at++;
}

/// One scalar value of two to four bytes at `p`; returns its length, or 0 for what UTF-8 does not allow (RFC 3629 §4).
static size_t utf8_length(const unsigned char *p, const unsigned char *end) {
    const ptrdiff_t left = end - p;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) return left >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if ((p[0] & 0xF0) == 0xE0) {
        if (left < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80) return 0;
        if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
        return p[0] == 0xED && p[1] > 0x9F ? 0 : 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (left < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80) return 0;
        if (p[0] == 0xF0 && p[1] < 0x90) return 0;
        return p[0] == 0xF4 && p[1] > 0x8F ? 0 : 4;
    }
    return 0;
}

static bool is_hex(unsigned char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool escape(struct scanner *s) {
    if (s->end - s->at < 2) return false;
    if (s->validates) {
        if (s->at[1] == 'u') {
            if (s->end - s->at < 6) return false;
            for (int i = 2; i < 6; i++) {
                if (!is_hex(s->at[i])) return false;
            }
            s->at += 6;
            return true;
        }
        if (!memchr("\"\\/bfnrt", s->at[1], 8)) return false;
    }
    s->at += 2;
    return true;
}

/// `at` is behind the opening quote; afterwards behind the closing one.
static bool text(struct scanner *s) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    while (s->at < s->end) {
        while (s->end - s->at >= 16) {
            const __m128i block = _mm_loadu_si128((const __m128i *)s->at);
            __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash));
            // A signed comparison finds control characters and every byte beyond ASCII at once.
            if (s->validates) stop = _mm_or_si128(stop, _mm_cmplt_epi8(block, space));
            const int mask = _mm_movemask_epi8(stop);
            if (mask) {
                s->at += __builtin_ctz((unsigned)mask);
                break;
            }
            s->at += 16;
        }
        if (s->at == s->end) return false;
        const unsigned char c = *s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c == '\\') {
            if (!escape(s)) return false;
        } else if (s->validates && c >= 0x80) {
            const size_t length = utf8_length(s->at, s->end);
            if (!length) return false;
            s->at += length;
        } else if (s->validates && c < 0x20) {
            return false;
        } else {
            s->at++;
        }
    }
    return false;
}

static bool digits(struct scanner *s) {
    const unsigned char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') s->at++;
    return s->at > start;
}

static bool number(struct scanner *s) {
    if (*s->at == '-') s->at++;
    if (s->at < s->end && *s->at == '0') s->at++;
    else if (!digits(s)) return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!digits(s)) return false;
    }
    if (s->at < s->end && (*s->at | 0x20) == 'e') {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-')) s->at++;
        if (!digits(s)) return false;
    }
    return true;
}

static bool word(struct scanner *s, const char *word, size_t count) {
    if ((size_t)(s->end - s->at) < count || memcmp(s->at, word, count)) return false;
    s->at += count;
    return true;
}

static bool scalar(struct scanner *s) {
    switch (*s->at) {
    case 't': return word(s, "true", 4);
    case 'f': return word(s, "false", 5);
    case 'n': return word(s, "null", 4);
    default: return number(s);
    }
}

static bool object(struct scanner *s, int depth) {
    s->at++;
    skip_space(s);
    if (s->at < s->end && *s->at == '}') return s->at++, true;
    while (s->at < s->end) {
        if (*s->at != '"') return false;
        const unsigned char *key = ++s->at;
        if (!text(s)) return false;
        const size_t key_count = (size_t)(s->at - key) - 1;
        skip_space(s);
        if (s->at == s->end || *s->at++ != ':') return false;
        skip_space(s);
        const unsigned char *start = s->at;
        if (!value(s, depth + 1, depth == 0 && key_count == 7 && !memcmp(key, "results", 7))) return false;
        if (depth == 2 && key_count == 5 && *start == '"' && !memcmp(key, "after", 5)) {
            s->page->after = (struct slice){(const char *)start + 1, (size_t)(s->at - start) - 2};
        }
        skip_space(s);
        if (s->at == s->end) return false;
        if (*s->at == '}') return s->at++, true;
        if (*s->at++ != ',') return false;
        skip_space(s);
    }
    return false;
}

static bool array(struct scanner *s, int depth, bool is_results) {
    s->at++;
    skip_space(s);
    if (s->at < s->end && *s->at == ']') return s->at++, true;
    while (s->at < s->end) {
        const unsigned char *start = s->at;
        if (!value(s, depth + 1, false)) return false;
        if (is_results) {
            struct page *page = s->page;
            if (page->record_count == page->record_capacity) {
                page->record_capacity = page->record_capacity ? page->record_capacity * 2 : 128;
                page->records = realloc(page->records, page->record_capacity * sizeof *page->records);
                if (!page->records) abort();
            }
            page->records[page->record_count++] = (struct slice){(const char *)start, (size_t)(s->at - start)};
        }
        skip_space(s);
        if (s->at == s->end) return false;
        if (*s->at == ']') return s->at++, true;
        if (*s->at++ != ',') return false;
        skip_space(s);
    }
    return false;
}

static bool value(struct scanner *s, int depth, bool is_results) {
    if (depth > DEPTH_MAX || s->at == s->end) return false;
    switch (*s->at) {
    case '{': return object(s, depth);
    case '[': return array(s, depth, is_results);
    case '"': return s->at++, text(s);
    default: return scalar(s);
    }
}

bool scan(const char *bytes, size_t count, bool validates, struct page *page) {
    struct scanner s = {(const unsigned char *)bytes, (const unsigned char *)bytes + count, validates, page};
    page->record_count = 0;
    page->after = (struct slice){0};
    skip_space(&s);
    if (!value(&s, 0, false)) return false;
    skip_space(&s);
    return s.at == s.end;
}
