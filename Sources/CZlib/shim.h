// SPDX-License-Identifier: Apache-2.0
// zlib for Swift: what is a macro there.
#pragma once
#include <zlib.h>

static inline int mz_inflate_begin(z_streamp stream, int windowBits) {
    return inflateInit2(stream, windowBits);
}

static inline int mz_deflate_begin(z_streamp stream, int level, int windowBits) {
    return deflateInit2(stream, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
}
