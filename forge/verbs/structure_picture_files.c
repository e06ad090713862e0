/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"
#include "forge/draw/paint.h"
#include "forge/verbs/structure_picture.h"

void picture_option_rows(struct option_table *table, struct picture_options *options)
{
    option_text(table, "svg", 0, &options->files[PICTURE_SVG], "FILE", "draw the network, as SVG");
    option_text(table, "png", 0, &options->files[PICTURE_PNG], "FILE", "draw the network, as PNG");
    option_text(table, "pdf", 0, &options->files[PICTURE_PDF], "FILE", "draw the network, as PDF");
    option_flag(table, "matrix", 0, &options->matrix, "draw the connection matrices instead");
    option_flag(table, "curves", 0, &options->curves, "draw the history of what was built and trained instead");
    option_count(table, "seed", 'S', &options->seed, "N", "whose connections are drawn; 1 if absent", 0, 0);
}

bool pictures_wanted(const struct picture_options *options)
{
    return options->matrix || options->curves || options->files[PICTURE_SVG] || options->files[PICTURE_PNG] ||
           options->files[PICTURE_PDF];
}

int pictures_write(const struct scene *scene, const struct picture_options *options, struct reason *why)
{
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(options->files) && !result; i++) {
        if (options->files[i])
            result = paint_file(scene, (enum picture_format)i, options->files[i], why);
    }
    return result;
}
