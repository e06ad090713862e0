/* SPDX-License-Identifier: Apache-2.0
 *
 * The model file: safetensors, so that any Python user can open it, with sparse weights as three tensors.
 *
 *   u64 length of the header (little-endian) | JSON header | tensors, each at a multiple of 64 in the file
 *
 *   NAME.weight.crow_indices  I64 [rows + 1]       PyTorch's names and meaning
 *   NAME.weight.col_indices   U16 or I32 [count]   U16 when there are at most 65536 columns
 *   NAME.weight.values        F32 [count]          or BF16, or I8 (sparse/tensor/value_type.h)
 *   NAME.weight.scales        F32 [rows]           where the values are I8, and nowhere else
 *   NAME.VECTOR               F32 [n]              "bias"
 *   wisp.media.idf            U8 [features]        of a text's features; may be missing
 *   wisp.golden.input.NAME, wisp.golden.output.NAME, wisp.golden.latents: a golden input (sparse/graph/golden.h)
 *   __pad_N                   U8 [1 .. 63]         zeroes up to the next multiple of 64: safetensors allows no holes,
 *                                                  and a weight is used where it stands in the buffer, by vector loads
 *
 * __metadata__ (strings, as safetensors requires): wisp.format "1", wisp.name, wisp.processing, wisp.input (JSON array
 * of dimensions) or wisp.inputs and wisp.outputs (JSON arrays of tensors), wisp.graph (JSON array of {name, kind,
 * inputs, parameters, columns}), wisp.labels (JSON array), wisp.media, wisp.lineage (JSON objects), wisp.checksum
 * "xxh3-128:HEX", computed over the whole file with the digits as '0'. Labels, media and lineage may be missing.
 * docs/model-file.md shows it from Python.
 *
 * So it is written. It is read with tensors at any place, as other programs save them; those are copied, and values
 * that are no F32 widened.
 *
 * The reader trusts nothing. It works on a private copy, checks every count before it is used, allows no holes,
 * overlaps, duplicates or trailing bytes, and names the reason when it refuses.
 */
#ifndef SPARSE_FILE_MODEL_FILE_H
#define SPARSE_FILE_MODEL_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "sparse/graph/model.h"

#define MODEL_FILE_MAX        (16ull << 30)
#define MODEL_FILE_HEADER_MAX (16u << 20)

/* Reads, checks, and builds the model. WISP_E_FORMAT (the reason begins with the path), or -errno. */
int model_read(const char *path, struct model **out, struct reason *why);

/* The one validator of model files: checks `data` (64-byte aligned, one readable zero byte after it, allocated by
 * malloc) and builds the model over it. Takes `data` over on success and failure alike. */
int model_parse(void *data, size_t size, struct model **out, struct reason *why);

/* Writes atomically. The bytes depend on the model alone: same model, same file. WISP_E_FORMAT and WISP_E_INVALID for
 * what the reader would refuse, -errno. */
int model_write(const struct model *model, const char *path, struct reason *why);

/* Bytes of the file that model_write() would make, and of its metadata's text. Looks at no weight and no vector, only
 * at how many there are, so the arrays may be missing; but a vector that is to be written has its `data`. May be more
 * than model_write() writes; -EFBIG when it is more than 2^63. */
int model_file_size(const struct model *model, uint64_t *out, uint64_t *metadata, struct reason *why);
/* The same when the metadata are known to take so many bytes; cheap. */
int model_file_size_with(const struct model *model, uint64_t metadata, uint64_t *out);

#endif
