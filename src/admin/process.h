// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the operating system tells of this process, for the standard process metrics. The files of
 * /proc/self are made by the kernel when they are read: nothing here waits for a disk.
 */

#include <stdint.h>

/** Memory that is in RAM, in bytes; 0 where the system does not tell. */
uint64_t ht_process_resident_bytes(void);

/** Address space, in bytes; 0 where the system does not tell. */
uint64_t ht_process_virtual_bytes(void);

/** Processor time, of user and system, in seconds. */
double ht_process_cpu_seconds(void);

/** Open file descriptors; 0 where the system does not tell. */
uint64_t ht_process_open_files(void);

/** How many may be open; UINT64_MAX where there is no limit. */
uint64_t ht_process_max_files(void);
