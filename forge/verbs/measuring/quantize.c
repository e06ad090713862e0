/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp quantize: a model whose values take fewer bits, and what that changes in its figures, measured before and after
 * on the same samples by what wisp eval measures. The difference stands in the new file's lineage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/options.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/experiment/experiment.h"
#include "forge/plan/lineage.h"
#include "forge/plan/save.h"
#include "forge/train/interrupt.h"
#include "forge/verbs/measuring/eval.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/verb.h"
#include "sparse/file/model_file.h"

#define VERB "quantize"

CLEANUP_DEFINE(model, struct model, model_free)

struct quantize {
    struct experiment_options experiment;
    const char *values, *output;
    enum value_type type;
    bool json;
};

/* Figures of the model as it was, and rounded. */
struct figures {
    json_t *before, *after;
};

static bool read_options(int argc, char **argv, struct quantize *q, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "MODEL --values bf16|int8 --data PATH -o FILE [options]",
        .summary =
            "Rounds the values of a model's connections to bf16, or to int8 with a scale for each row, measures\n"
            "both models on a test set, and writes the rounded one with the difference in its lineage.",
        .examples = "  wisp quantize fashion.safetensors --values bf16 --data fashion-mnist -o small.safetensors\n"
                    "  wisp show small.safetensors\n",
    };
    struct operands operands = { .min = 1, .max = 1, .what = "the model file" };
    static struct option_table table; /* too large for a stack's frame beside the rest */

    experiment_option_rows(&table, &q->experiment);
    option_text(&table, "values", 0, &q->values, "TYPE", "what values are kept as: bf16 or int8");
    option_text(&table, "output", 'o', &q->output, "FILE", "the new model file");
    option_text(&table, "split", 0, &q->experiment.split, "NAME", "'test' if absent, or 'train'");
    option_flag(&table, "json", 0, &q->json, "print one JSON object: what the lineage says of it");
    if (!options_read(&usage, &table, argc, argv, &operands, status))
        return false;
    q->experiment.model = operands.words[0];
    return true;
}

static int check_options(struct quantize *q, struct reason *why)
{
    const struct save_file written = { "--output", q->output },
                           read[] = { { "the model", q->experiment.model }, { "--data", q->experiment.data } };
    int result;

    if (!q->values)
        return refuse(why, WISP_E_INVALID, "--values is missing: bf16 or int8");
    q->type = value_type_find(q->values);
    if (q->type == VALUE_TYPES || q->type == VALUE_FLOAT32)
        return refuse(why, WISP_E_INVALID, "--values %s: it is bf16 or int8", q->values);
    if (!q->output)
        return refuse(why, WISP_E_INVALID, "--output is missing: the file for the rounded model");
    result = save_check(q->output, why);
    return result ? result : save_apart(&written, 1, read, ARRAY_SIZE(read), why);
}

static int check_model(const struct experiment *s, struct reason *why)
{
    enum value_type type;

    if (model_is_rounded(s->model, &type))
        return refuse(why, WISP_E_INVALID, "the values of %s are %s already; begin with the model that has float32",
                      s->model->name, value_type_name(type));
    return 0;
}

/* ---- figures ---- */

/* What the run was told, or what the data are alone: no figure of the model. */
static bool is_figure(const char *key)
{
    static const char *const others[] = { "baseline",   "majority",   "threshold",
                                          "input_psnr", "input_ssim", "input_si_sdr" };

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (!strcmp(key, others[i]))
            return false;
    }
    return true;
}

/* Real numbers alone, and objects of them. */
static json_t *keep_figures(const json_t *from)
{
    json_t *kept = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)from, key, value)
    {
        if (!is_figure(key))
            continue;
        if (json_is_real(value)) {
            json_object_set(kept, key, value);
        } else if (json_is_object(value)) {
            json_t *inner = keep_figures(value);

            if (json_object_size(inner))
                json_object_set(kept, key, inner);
            json_decref(inner);
        }
    }
    return kept;
}

static json_t *subtract(const json_t *before, const json_t *after)
{
    json_t *made = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)after, key, value)
    {
        const json_t *was = json_object_get(before, key);

        if (json_is_object(value))
            json_object_set_new(made, key, subtract(was, value));
        else if (json_is_real(was))
            json_object_set_new(made, key, json_real(json_real_value(value) - json_real_value(was)));
    }
    return made;
}

static void print_figures(const char *prefix, const json_t *before, const json_t *after)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)after, key, value)
    {
        const json_t *was = json_object_get(before, key);
        char name[160];

        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value))
            print_figures(name, was, value);
        else
            printf("%-32s %12.6g %12.6g %+12.3g\n", name, json_real_value(was), json_real_value(value),
                   json_real_value(value) - json_real_value(was));
    }
}

static json_t *describe(const struct quantize *q, const struct experiment *s, const struct figures *f)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:O, s:O, s:o}", "values", value_type_name(q->type), "of",
                     s->model->identity, "data", "name", s->data->name, "hash", s->data->hash, "split",
                     q->experiment.split, "float32", f->before, "rounded", f->after, "difference",
                     subtract(f->before, f->after));
}

/* ---- the new file ---- */

static int print_result(const struct quantize *q, const struct figures *f, json_t *quantized, uint64_t before,
                        uint64_t after)
{
    if (q->json)
        return print_json(VERB, quantized);
    json_decref(quantized);
    printf("%-32s %12s %12s %12s\n", "", "float32", value_type_name(q->type), "difference");
    print_figures("", f->before, f->after);
    printf("%-32s %12llu %12llu %11.1f%%\n", "bytes", (unsigned long long)before, (unsigned long long)after,
           100 * ((double)after / (double)before - 1));
    return EXIT_DONE;
}

/* The model as it is in its file, whatever the options say of its media and labels. */
static int write_rounded(const struct quantize *q, json_t *quantized, uint64_t *before, uint64_t *after,
                         struct reason *why)
{
    cleanup(model_at_exit) struct model *model = NULL;
    struct stat status;
    json_t *lineage;
    int result = model_read(q->experiment.model, &model, why);

    if (result)
        return result;
    *before = model->file_size;
    lineage = lineage_of_model(model);
    if (json_object_set(lineage, "quantized", quantized)) {
        json_decref(lineage);
        return refuse_errno(why, -ENOMEM, "the lineage");
    }
    if (lineage_store(model, lineage) || model_round(model, q->type))
        return refuse_errno(why, -ENOMEM, "%s", q->experiment.model);
    result = save_model(model, q->output, false, why);
    if (!result && stat(q->output, &status))
        result = refuse_errno(why, -errno, "%s", q->output);
    if (!result)
        *after = (uint64_t)status.st_size;
    return result;
}

static int measure(const struct quantize *q, const struct experiment *s, enum value_type values, json_t **out)
{
    cleanup_json json_t *all = NULL;
    int status = eval_figures(s, &q->experiment, values, &all);

    if (!status)
        *out = keep_figures(all);
    return status;
}

static int run(const struct quantize *q, const struct experiment *s)
{
    cleanup_json json_t *before = NULL, *after = NULL;
    uint64_t bytes = 0, rounded_bytes = 0;
    json_t *quantized;
    struct reason why;
    int status = measure(q, s, VALUE_FLOAT32, &before), result;

    if (status)
        return status;
    if (model_round(s->model, q->type))
        return fail(VERB, EXIT_FAILED, "out of memory");
    status = measure(q, s, q->type, &after);
    if (status)
        return status;
    quantized = describe(q, s, &(struct figures){ before, after });
    if (!quantized)
        return fail(VERB, EXIT_FAILED, "out of memory");
    result = write_rounded(q, quantized, &bytes, &rounded_bytes, &why);
    if (!result)
        return print_result(q, &(struct figures){ before, after }, quantized, bytes, rounded_bytes);
    json_decref(quantized);
    return fail(VERB, exit_for_output(result), "%s", why.text);
}

int verb_quantize(int argc, char **argv)
{
    struct quantize q = { .experiment = { .split = "test" } };
    struct experiment experiment;
    struct reason why;
    int status, result;

    if (!read_options(argc, argv, &q, &status))
        return status;
    result = check_options(&q, &why);
    if (result)
        return fail(VERB, result == WISP_E_INVALID ? EXIT_USAGE : exit_for_output(result), "%s", why.text);
    interrupt_catch();
    result = experiment_open(&experiment, VERB, &q.experiment, &why);
    if (!result)
        result = check_model(&experiment, &why);
    status = result ? fail(VERB, exit_for_input(result), "%s", why.text) : run(&q, &experiment);
    experiment_close(&experiment);
    return status;
}
