/* SPDX-License-Identifier: Apache-2.0
 *
 * Choices of weight formats that were measured before, in one file, by CPU and shape: so that a model loads without
 * waiting for the clock, and runs in the same formats each time.
 *
 * The file is trusted with nothing but speed. What is damaged, too long, or of another version or edition is as if it
 * were not there; what it says is asked of choice_can() before it is used; all formats give the same bits. It is a line
 * that names version, formats, ways and edition, then a line for each choice:
 *
 *   wisp 0.1.0 weight formats csr sell16 dense16 block8 window32 dense8 window32_bf16 ... window64 ways samples
 * samples+ lines ... apart 2
 *   avx512 1000 784 39200 float32 0 5 shared window32 window32 window32 block8 block8 block8 block8
 * AMD EPYC 9R14 avx512 convolution 14 14 14 14 3 3 1 1 1 48 48 1 12659 5 lines+ tiles+ tiles tiles ... AMD EPYC 9R14
 *
 * that is kernels, rows, columns, connections, type of the values, first and last class of batches, where the weights
 * stand (residence.h), a format for each class, CPU; or, of a convolution, kernels, the numbers of its key, and two
 * ways for each class (ways.h), CPU. What finds ways asks their layer whether they can be. Last, of a model whose
 * batches are the faster sample by sample, "apart", its identity, its half and the batch. One thread at a time; two
 * programs that write it at once lose one's choices, no more.
 */
#ifndef SPARSE_CHOICE_CACHE_H
#define SPARSE_CHOICE_CACHE_H

#include "base/clock.h"
#include "sparse/kernels/choice.h"
#include "sparse/kernels/ways.h"

enum { CHOICE_CACHE_LINES = 4096, CHOICE_CACHE_BYTES = 1 << 21, CHOICE_FOLDER_MAX = 4000 };

#define CHOICE_CACHE_FILE "weight-formats"

struct choice_cache;

/* Where choices are kept when nobody says: $CACHE_DIRECTORY as systemd sets it, else $XDG_CACHE_HOME/wisp; false:
 * nowhere. Both are ignored unless they are absolute. */
bool choice_cache_folder(char folder[CHOICE_FOLDER_MAX]);

/* What measuring the formats of one model may take. */
#define CHOICE_PATIENCE_NS (500 * NS_PER_MS)

/* Reads FOLDER's file, if there is one that is sound. `folder` may be missing; NULL: choices are kept in memory alone.
 * -ENOMEM. */
int choice_cache_open(const char *folder, struct choice_cache **out);
/* The one of choice_cache_folder(); NULL: there is none, or no memory, and formats are measured. */
struct choice_cache *choice_cache_usual(void);
struct choice_cache *choice_cache_free(struct choice_cache *cache); /* accepts NULL; returns NULL */

/* Whether one is known for this matrix, the classes out->first .. out->last and out->residence. */
bool choice_cache_find(const struct choice_cache *cache, const struct kernels *kernels, const struct csr *w,
                       struct choice *out);
/* Remembers one; the oldest gives way when there are CHOICE_CACHE_LINES. */
void choice_cache_add(struct choice_cache *cache, const struct kernels *kernels, const struct csr *w,
                      const struct choice *choice);
/* The same of the ways of a convolution. */
bool choice_cache_find_ways(const struct choice_cache *cache, const struct kernels *kernels, const struct way_key *key,
                            struct way_choice *out);
void choice_cache_add_ways(struct choice_cache *cache, const struct kernels *kernels, const struct way_key *key,
                           const struct way_choice *choice);
/* A model, or a half of one, and a batch. An identity is a word of less than CHOICE_IDENTITY_MAX; "" is nobody's. */
enum { CHOICE_IDENTITY_MAX = 64 };
struct apart_key {
    const char *identity;
    uint32_t half, batch;
};
/* Whether it is known that the samples of such a batch take less one after the other. */
bool choice_cache_find_apart(const struct choice_cache *cache, const struct kernels *kernels,
                             const struct apart_key *key);
void choice_cache_add_apart(struct choice_cache *cache, const struct kernels *kernels, const struct apart_key *key);
/* The matrices that come now are of one model, which may take so long in all to be measured; 0: they are not, and what
 * is not known is estimated. Who says nothing has CHOICE_PATIENCE_NS. */
void choice_cache_set_patience(struct choice_cache *cache, uint64_t ns);
/* How long the next of them may take: a share of what is left, so that the first do not take all of it; 0: it is too
 * little to tell one from another. */
uint64_t choice_cache_patience(const struct choice_cache *cache);
void choice_cache_spend(struct choice_cache *cache, uint64_t ns);
/* Replaces the file, and makes the folder, if anything was added. -errno, and says which file. */
int choice_cache_save(struct choice_cache *cache, struct reason *why);

#endif
