/* SPDX-License-Identifier: Apache-2.0
 *
 * The checksum of a model file: XXH3-128 over the whole file, taken with '0' in place of its own 32 digits. They stand
 * in the header as the plain text "wisp.checksum":"xxh3-128:DIGITS" (no space after the colon, as compact JSON has it).
 * It finds damage, every single flipped bit among it; it does not keep out who can write files.
 */
#ifndef SPARSE_FILE_MODEL_CHECKSUM_H
#define SPARSE_FILE_MODEL_CHECKSUM_H

#include <stddef.h>

#include "base/error.h"
#include "base/file.h"

#define CHECKSUM_KEY    "wisp.checksum"
#define CHECKSUM_PREFIX "xxh3-128:"
#define CHECKSUM_DIGITS 32

/* The digits in a file, or in as much of it as holds its header; NULL when there are none. */
char *checksum_find(void *data, size_t size);

/* Digits and a zero byte for the file that these parts make, the place of the digits already filled with '0'. -ENOMEM.
 */
int checksum_compute(const struct file_part *parts, size_t count, char out[CHECKSUM_DIGITS + 1]);

/* Whether the file's digits are right. WISP_E_FORMAT, -ENOMEM. */
int checksum_check(const void *data, size_t size, struct reason *why);

/* Makes the file's digits right: for who has changed one on purpose. WISP_E_FORMAT when they have no place; -ENOMEM. */
int checksum_seal(void *data, size_t size);

#endif
