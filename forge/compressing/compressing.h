/* SPDX-License-Identifier: Apache-2.0
 *
 * How well a model compresses pictures: each goes to the file that `wisp run` would write, to the byte, and from it
 * back to a picture, which is compared with what went in. Beside it stands JPEG of as many bytes.
 *
 * That JPEG is libjpeg's, with colours at half the size each way (4:2:0), Huffman tables made for the picture, and its
 * usual quantisation scaled by quality. No quality has just as many bytes: figures are those between the two nearest,
 * by bytes; where the smallest has more, that.
 */
#ifndef FORGE_COMPRESSING_COMPRESSING_H
#define FORGE_COMPRESSING_COMPRESSING_H

#include <jansson.h>
#include <stdio.h>

#include "forge/data/pairs/pairs.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/kernels.h"

/* All borrowed. */
struct compressing {
    const char *path;       /* of the model's file */
    enum value_type values; /* to which its values are rounded first; float32: they are as they stand there */
    const struct kernels *kernels;
    const struct media *media;
    const struct dataset *set; /* of pairs, whose targets are what is compressed */
    size_t batch;              /* tiles at once; changes no result */
};

/* Means over the pictures. */
struct likeness_of_pictures {
    double psnr, ssim; /* ssim: 0 where a picture is too small for it */
};

struct compression_figures {
    size_t pictures;
    uint64_t pixels, bytes, jpeg_bytes; /* of all */
    struct likeness_of_pictures wisp, jpeg;
};

void compression_print(const struct compression_figures *figures, FILE *to);
json_t *compression_json(const struct compression_figures *figures); /* a new reference; NULL without memory */

/* Whether a model compresses, and answers with pictures. */
bool compressing_is(const struct model *model, const struct media *media);

/* WISP_E_INTERRUPTED; WISP_E_FORMAT, WISP_E_INVALID; -ENOMEM. */
int compressing_measure(const struct compressing *compressing, struct compression_figures *out, struct reason *why);

/* Of two pictures of one size and as many channels. -ENOMEM. */
int compressing_compare(const struct media_picture *a, const struct media_picture *b, struct likeness_of_pictures *out);

/* Of JPEG of so many bytes, or as near as there is; *bytes is what it has. WISP_E_INVALID; -ENOMEM. */
int compressing_jpeg(const struct media_picture *picture, size_t *bytes, struct likeness_of_pictures *out,
                     struct reason *why);

#endif
