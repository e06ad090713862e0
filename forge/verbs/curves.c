/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp curves: how trainings went, from the JSON lines that they printed; a table, or a picture.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/draw/draw.h"
#include "forge/plan/save.h"
#include "forge/train/runs/run_plot.h"
#include "forge/verbs/verb.h"

#define VERB "curves"

enum { NAME_COLUMNS = 28, CELLS = 24, LEVELS = 8 };

struct curves_options {
    const char *output;
    struct operands operands;
};

static bool read_options(int argc, char **argv, struct curves_options *options, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "FILE… [-o PICTURE]",
        .summary = "Shows how trainings went: loss, accuracy and rate by epoch, from the JSON lines that 'wisp train\n"
                   "--json' prints. Several are compared, each called after its file.",
        .examples = "  wisp train m.safetensors --data fashion-mnist -o f.safetensors --json > run.jsonl\n"
                    "  wisp curves run.jsonl\n"
                    "  wisp curves sparse.jsonl dense.jsonl -o runs.svg\n",
    };
    struct option_table table = { .count = 0 };

    options->operands = (struct operands){ .min = 1, .max = RUNS_MAX, .what = "a file with a training's JSON lines" };
    option_text(&table, "output", 'o', &options->output, "FILE", "draw them, as .svg, .png or .pdf");
    return options_read(&usage, &table, argc, argv, &options->operands, status);
}

/* The validation's where there is one. */
static double loss_of(const struct run_epoch *epoch)
{
    return isnan(epoch->validation_loss) ? epoch->loss : epoch->validation_loss;
}

static void find_ends(const struct run_log *log, double ends[2])
{
    ends[0] = INFINITY;
    ends[1] = -INFINITY;
    for (size_t r = 0; r < log->count; r++) {
        for (size_t i = 0; i < log->runs[r].count; i++) {
            double loss = loss_of(&log->runs[r].epochs[i]);

            if (loss > 0 && isfinite(loss)) {
                ends[0] = fmin(ends[0], log10(loss));
                ends[1] = fmax(ends[1], log10(loss));
            }
        }
    }
}

/* Its loss in so many cells, as logarithms between those of all runs. */
static void print_cells(const struct run *run, const double ends[2], bool unicode)
{
    static const char *const blocks[LEVELS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const letters[LEVELS] = { "_", ".", ":", "-", "=", "+", "*", "#" };
    const size_t cells = MIN(run->count, (size_t)CELLS);

    for (size_t c = 0; c < cells; c++) {
        double loss = loss_of(&run->epochs[cells > 1 ? c * (run->count - 1) / (cells - 1) : 0]);
        double part =
            loss > 0 && isfinite(loss) && ends[1] > ends[0] ? (log10(loss) - ends[0]) / (ends[1] - ends[0]) : 0;

        fputs((unicode ? blocks : letters)[MIN((size_t)(part * LEVELS), (size_t)LEVELS - 1)], stdout);
    }
}

static const struct run_epoch *best_of(const struct run *run)
{
    const struct run_epoch *best = NULL;

    for (size_t i = 0; i < run->count; i++) {
        const struct run_epoch *e = &run->epochs[i];

        if (!isnan(e->validation_accuracy) && (!best || e->validation_accuracy > best->validation_accuracy))
            best = e;
    }
    return best;
}

static void print_share(double share)
{
    if (isnan(share))
        printf(" %8s", "-");
    else
        printf(" %7.2f%%", 100 * share);
}

static void print_table(const struct run_log *log)
{
    const bool unicode = terminal_of(stdout).unicode;
    double ends[2];

    find_ends(log, ends);
    printf("%-*s %6s %8s %8s %8s %8s %6s  %s\n", NAME_COLUMNS, "run", "epochs", "loss", "accuracy", "held out", "best",
           "epoch", "loss by epoch");
    for (size_t r = 0; r < log->count; r++) {
        const struct run *run = &log->runs[r];
        const struct run_epoch *last = &run->epochs[run->count - 1], *best = best_of(run);

        printf("%-*.*s %6llu %8.4f", NAME_COLUMNS, NAME_COLUMNS, run->name, (unsigned long long)last->epoch,
               last->loss);
        print_share(last->accuracy);
        print_share(last->validation_accuracy);
        print_share(best ? best->validation_accuracy : NAN);
        printf(" %6llu  ", (unsigned long long)(best ? best : last)->epoch);
        print_cells(run, ends, unicode);
        putchar('\n');
    }
}

static int show(const struct run_log *log, const char *output)
{
    struct reason why;
    int result;

    if (!output) {
        print_table(log);
        return EXIT_DONE;
    }
    result = run_plot_write(log, log->count > 1 ? "Trainings" : log->runs[0].name, output, &why);
    return result ? fail(VERB, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

int verb_curves(int argc, char **argv)
{
    struct curves_options options = { .output = NULL };
    struct run_log log = RUN_LOG_NULL;
    struct reason why;
    int status = EXIT_DONE, result = 0;

    if (!read_options(argc, argv, &options, &status))
        return status;
    if (options.output && run_plot_check(options.output, 1, &why))
        return fail(VERB, EXIT_USAGE, "-o: %s", why.text);
    for (size_t i = 0; options.output && i < options.operands.count; i++) {
        if (save_apart(&(struct save_file){ "-o", options.output }, 1,
                       &(struct save_file){ "what it shows", options.operands.words[i] }, 1, &why))
            return fail(VERB, EXIT_USAGE, "%s", why.text);
    }
    if (options.output && (result = save_check(options.output, &why)))
        return fail(VERB, exit_for_output(result), "%s", why.text);
    for (size_t i = 0; i < options.operands.count && !result; i++)
        result = run_log_read(&log, options.operands.words[i], &why);
    status = result ? fail(VERB, exit_for_input(result), "%s", why.text) : show(&log, options.output);
    run_log_deinit(&log);
    return status;
}
