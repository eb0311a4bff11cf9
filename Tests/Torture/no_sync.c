// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.
//
// A control for power cuts: loaded into the program (LD_PRELOAD), it says that everything is durable and makes nothing
// so. What is acknowledged then must be found missing.

int fsync(int descriptor) {
    (void)descriptor;
    return 0;
}

int fdatasync(int descriptor) {
    (void)descriptor;
    return 0;
}
