/* SPDX-License-Identifier: Apache-2.0
 *
 * Small data sets for the tests of forge/data. Everything aborts on failure.
 */
#ifndef TESTS_FORGE_DATA_MAKE_H
#define TESTS_FORGE_DATA_MAKE_H

#include "forge/data/dataset.h"
#include "unit/media/make.h"

/* A group's scratch folder, made and removed as its setup and teardown. */
extern const char *data_root;
int data_root_make(void **state);
int data_root_remove(void **state);

/* "root/name", whose folders are made; in a rotating buffer. */
const char *data_path(const char *root, const char *name);
void data_write(const char *root, const char *name, const void *bytes, size_t size);
void data_write_text(const char *root, const char *name, const char *text);

/* By the name's ending: .gz, .xz, or as it is. */
void data_pack(const char *root, const char *name, const void *bytes, size_t size);

struct data_member {
    const char *name;
    struct bytes bytes;
    const char *link; /* a symbolic link to it, instead of a file */
};
/* A tar, packed by its name's ending, in pax form when the name has "pax" in it; or a zip. */
void data_tar(const char *root, const char *name, const struct data_member *members, size_t count);

struct bytes data_picture(uint8_t value);  /* a PNG of 2 x 2 */
struct bytes data_sound(double frequency); /* a WAV of 0.1 s */

struct dataset *data_read(const char *path, const char *split, enum media_kind kind);
/* A table, by these columns; NULL: found. */
struct dataset *data_read_columns(const char *path, const char *split, const char *label, const char *text);
/* Without its labels. */
struct dataset *data_read_unlabelled(const char *path, enum media_kind kind);
/* It must be refused, with WISP_E_FORMAT, and with these words. */
void data_refused(const char *path, const char *split, enum media_kind kind, const char *says);
void data_has(const struct dataset *set, size_t count, size_t labels, const char *names);

#endif
