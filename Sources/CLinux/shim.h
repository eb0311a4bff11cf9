// SPDX-License-Identifier: Apache-2.0
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <unistd.h>

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

// pipe2(2) is declared for GNU's dialect only, which Swift does not ask for. Both ends are closed in programs that are started.
static inline int migratez_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

// Leaves nothing open in a program that is started but what is below `first`. Elsewhere than in glibc, and before its version
// 2.34, the flag that every descriptor of ours is opened with has to do.
static inline int migratez_close_from(posix_spawn_file_actions_t *actions, int first) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
    (void)actions, (void)first;
    return 0;
#endif
}
