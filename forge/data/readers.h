/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the readers: one a form of data. Each fills a collection with one split.
 */
#ifndef FORGE_DATA_READERS_H
#define FORGE_DATA_READERS_H

#include "forge/data/collect.h"

/* `folder` holds pictures and labels as idx files. */
bool idx_is_there(const char *folder);
int idx_read(const char *folder, struct collect *collect, struct reason *why);
/* When a file of the folder is named nearly as an idx file, *why says that instead. Returns `result`. */
int idx_explain(const char *folder, int result, struct reason *why);

/* A .csv or .tsv, plain or packed. */
bool table_has_name(const char *path);
bool table_has_quotes(const char *path); /* it is a .csv, whatever its folders are called */
int table_read(const char *path, struct collect *collect, struct reason *why);
/* The same from memory, as file_read() gives it, which is taken over; the path's name says which form it has. */
int table_take(const char *path, void *data, size_t size, struct collect *collect, struct reason *why);

/* The next row that has the right number of fields; others are left out where that is wished. */
struct rows;
int table_next(struct rows *rows, struct collect *collect, bool *more, struct reason *why);

/* Recordings and what is said in them: a table that names the files, or a folder with one. */
int transcripts_read(const char *path, bool is_folder, struct collect *collect, struct reason *why);

/* Sentences of which each word is tagged: CoNLL-U, plain or packed; tagged.h has the rules. */
bool conllu_has_name(const char *path);
int conllu_read(const char *path, struct collect *collect, struct reason *why);
int conllu_take(const char *path, void *data, size_t size, struct collect *collect, struct reason *why);

/* A tar, plain or packed, a zip, or a folder, of files whose paths say split and class (place.h). */
bool tar_has_name(const char *path);
int tar_read(const char *path, struct collect *collect, struct reason *why);
int tree_read(const char *folder, struct collect *collect, struct reason *why);

/* ---- what they share ---- */

/* Decodes one file and adds it. `path` is for the reason, and the sample's name. */
int reader_add_file(struct collect *collect, const char *class, size_t class_length, const char *path,
                    const void *bytes, size_t length, struct reason *why);

/* After the last file: something must have been found. `has_other`: of another split it was. */
int reader_check_split(const struct collect *collect, const char *path, bool has_other, struct reason *why);

/* A whole file, unpacked when it begins as gzip or xz do; a zero byte follows. */
int unpack_read(const char *path, void **data, size_t *size, struct reason *why);

/* "folder/name", to be freed; NULL: out of memory. */
char *path_join(const char *folder, const char *name);
bool name_ends(const char *name, const char *const *endings, size_t count);

#endif
