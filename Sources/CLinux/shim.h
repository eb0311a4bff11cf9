// SPDX-License-Identifier: Apache-2.0
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <malloc.h>
#include <sched.h>
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

// The sets of sched_setaffinity(2) are made with macros. Keeps the first processors of those that the process may use, for
// this thread and those that it starts; returns how many, or -1.
static inline int migratez_keep_processors(int count_max) {
    cpu_set_t allowed, kept;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) return -1;
    CPU_ZERO(&kept);
    int count = 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < count_max; processor++) {
        if (!CPU_ISSET(processor, &allowed)) continue;
        CPU_SET(processor, &kept);
        count++;
    }
    return sched_setaffinity(0, sizeof kept, &kept) ? -1 : count;
}

// pipe2(2) and the next one are declared for GNU's dialect only, and their headers are not included here: what Swift knows as
// Glibc has them in another dialect. O_CLOEXEC is the caller's to name.
extern int pipe2(int ends[2], int flags);
static inline int migratez_pipe(int ends[2], int flags) { return pipe2(ends, flags); }

// Leaves nothing open in a program that is started but what is below `first`; `actions` is a posix_spawn_file_actions_t.
// Elsewhere than in glibc, and before its version 2.34, the flag that every descriptor of ours is opened with has to do.
extern int migratez_add_close_from(void *actions, int first) __asm__("posix_spawn_file_actions_addclosefrom_np")
    __attribute__((weak));
static inline int migratez_close_from(void *actions, int first) {
    return migratez_add_close_from ? migratez_add_close_from(actions, first) : 0;
}
