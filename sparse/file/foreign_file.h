/* SPDX-License-Identifier: Apache-2.0
 *
 * What a file is that somebody took for a safetensors file: the pointer or the page that a download left, or a model of
 * another kind. By its first bytes.
 */
#ifndef SPARSE_FILE_FOREIGN_FILE_H
#define SPARSE_FILE_FOREIGN_FILE_H

#include <stddef.h>

#include "base/error.h"

/* Writes what it is and what to do; "not a safetensors file" when nothing more is known. */
void foreign_file_name(const void *data, size_t size, struct reason *why);

#endif
