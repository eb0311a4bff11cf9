// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <malloc.h>
#include <sys/prctl.h>

// prctl(2) is variadic, which Swift does not import.
static inline int migratez_set_dumpable(int is_dumpable) { return prctl(PR_SET_DUMPABLE, is_dumpable, 0, 0, 0); }

// mallopt(3) has its parameters as macros. Elsewhere than in glibc there is nothing to bound.
static inline void migratez_bound_heap(int arenas_max, int mapped_from_bytes) {
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, arenas_max);
    mallopt(M_MMAP_THRESHOLD, mapped_from_bytes);
    mallopt(M_TRIM_THRESHOLD, 4 * mapped_from_bytes);
#endif
}
