/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the readers: one a form of data. Each fills a collection with one split.
 */
#ifndef FORGE_DATA_READERS_H
#define FORGE_DATA_READERS_H

#include "forge/data/collect.h"

/* `folder` holds {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]. */
bool idx_is_there(const char *folder);
int idx_read(const char *folder, const char *split, struct collect *collect, struct reason *why);

/* A .csv or .tsv, plain or packed. */
bool table_has_name(const char *path);
int table_read(const char *path, struct collect *collect, struct reason *why);

/* A tar, plain or packed, of SPLIT/CLASS_REST.wav or SPLIT/CLASS/FILE. */
bool tar_has_name(const char *path);
int tar_read(const char *path, const char *split, enum media_kind kind, struct collect *collect, struct reason *why);

/* A folder of folders, one a class. */
int tree_read(const char *folder, const char *split, enum media_kind kind, struct collect *collect, struct reason *why);

/* Decodes one file and adds it. `name` is for the reason. */
int reader_add_file(struct collect *collect, enum media_kind kind, uint32_t class, const char *name, const void *bytes,
                    size_t length, struct reason *why);

/* A whole file, unpacked when it is .gz or .xz. */
int unpack_read(const char *path, void **data, size_t *size, struct reason *why);

#endif
