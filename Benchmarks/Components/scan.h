// SPDX-License-Identifier: Apache-2.0
// One pass over a page: where its records are and, if asked, whether it is JSON and UTF-8 at all.
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
    const char *bytes;
    size_t count;
};

/// What a page holds: the elements of its member "results", and its member "after" (empty on the last page).
struct page {
    struct slice *records;
    size_t record_count, record_capacity;
    struct slice after;
};

/// Reads `count` bytes; the slices in `page` point into them. With `validates`, false for anything that is not one JSON
/// value in UTF-8 (RFC 8259, RFC 3629). Without, brackets and ends of texts are all that is looked at.
bool scan(const char *bytes, size_t count, bool validates, struct page *page);

#endif
