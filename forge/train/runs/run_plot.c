/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/train/runs/run_plot.h"
#include "forge/draw/paint.h"

int run_plot_check(const char *path, size_t runs, struct reason *why)
{
    enum picture_format format;

    if (runs > RUNS_MAX)
        return refuse(why, WISP_E_INVALID, "%s: %zu runs cannot be told apart in one picture; %d can", path, runs,
                      RUNS_MAX);
    return picture_format_of(path, &format, why);
}

int run_plot_write(const struct run_log *log, const char *title, const char *path, struct reason *why)
{
    enum picture_format format;
    struct scene scene;
    int result = run_plot_check(path, log->count, why);

    if (result || (result = picture_format_of(path, &format, why)) ||
        (result = draw_runs(title, log->runs, log->count, &scene, why)))
        return result;
    result = paint_file(&scene, format, path, why);
    scene_deinit(&scene);
    return result;
}
