// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/prctl.h>

// prctl(2) is variadic, which Swift does not import.
static inline int migratez_set_dumpable(int is_dumpable) { return prctl(PR_SET_DUMPABLE, is_dumpable, 0, 0, 0); }
